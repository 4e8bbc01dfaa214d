/// The statements that compare records of one schema with a table.
struct PostgreSQLComparisonStatements {
    /// Makes the table of expected records: the target's columns, and before them a record's position.
    let creation: String
    let emptying: String
    /// `COPY … FROM STDIN` into it.
    let copy: String
    let encoder: TextCopyRows
    let analysis: String
    /// Gives a row if some records have the same key.
    let twins: String
    /// Of records with the same key leaves the one that decides in an upsert.
    let superseding: String
    /// Adds the keys to those that were handed in.
    let noting: String

    private let findings: (_ hasTwins: Bool, _ ofSome: Bool) -> String

    /// Positions of records that differ, how many records have their key, how many rows, and the positions of the columns that differ.
    ///
    /// - Parameters:
    ///   - hasTwins: whether some records have the same key.
    ///   - ofSome: whether to look only at the positions in an array, the statement's parameter.
    func findings(hasTwins: Bool, ofSome: Bool) -> String { findings(hasTwins, ofSome) }

    /// - Parameter number: tells the tables of different columns in one session apart.
    init(
        target: TableTarget,
        table: PostgreSQLTableDescription,
        key: PostgreSQLComparisonKey,
        schema: RecordSchema,
        number: Int
    ) throws {
        let columns = try schema.columns.map { column in
            guard let found = table.column(for: column.name) else {
                throw SinkError(
                    "The table \(target.table) has no column \(column.name), which the records give. Put it back, or compare with another run."
                )
            }
            return found
        }
        guard table.column(for: target.keyColumn(of: schema))?.name == key.column.name,
            columns.contains(where: { $0.name == key.column.name })
        else {
            throw SinkError(
                "The comparison with table \(target.table) goes by column \(key.column.name), and records with another key need another one."
            )
        }
        let names = columns.map { quotedIdentifier($0.name) }
        let list = names.joined(separator: ", ")
        // The table may have columns of any name.
        var prefix = "_"
        while table.columns.contains(where: { $0.name.hasPrefix(prefix) }) { prefix += "_" }
        let position = prefix + "position"
        let expected = "pg_temp._backfill_expected\(number)"
        let own = "e.\(position)"
        creation = """
            CREATE TEMPORARY TABLE _backfill_expected\(number) AS SELECT 0::bigint AS \(position), \(list) FROM \(table.name.sql) WITH NO DATA
            """
        emptying = "TRUNCATE \(expected)"
        copy = "COPY \(expected) (\(position), \(list)) FROM STDIN"
        encoder = TextCopyRows(kinds: columns.map(\.kind), isNumbered: true)
        analysis = "ANALYZE \(expected) (\(quotedIdentifier(key.column.name)))"
        twins = "SELECT 1 FROM \(expected) e GROUP BY \(key.comparable("e")) HAVING count(*) > 1 LIMIT 1"
        noting = key.noting(from: expected)

        var newer: String?
        if case .upsert(let column?) = target.mode {
            newer = quotedIdentifier(table.column(for: column)?.name ?? column)
        }
        let last = newer.map { "e.\($0) DESC NULLS LAST, \(own) DESC" } ?? "\(own) DESC"
        superseding = """
            DELETE FROM \(expected) WHERE \(position) IN (SELECT \(position) FROM (
                SELECT \(own), row_number() OVER (PARTITION BY \(key.comparable("e")) ORDER BY \(last)) AS place
                FROM \(expected) e WHERE e.\(quotedIdentifier(key.column.name)) IS NOT NULL) AS e WHERE place > 1)
            """
        findings = Self.findings(
            expected: expected,
            prefix: prefix,
            table: table.name.sql,
            key: key,
            // An upsert finds the row by its key, and leaves the key as it is.
            columns: columns.enumerated().filter { target.mode == .append || $1.name != key.column.name }
                .map { ($0, quotedIdentifier($1.name)) },
            kept: newer.map { "t.\($0) IS NOT NULL AND (e.\($0) >= t.\($0)) IS NOT TRUE" }
        )
    }

    /// - Parameter kept: whether `unless-newer` keeps the row, which is then right whatever it holds.
    private static func findings(
        expected: String,
        prefix: String,
        table: String,
        key: PostgreSQLComparisonKey,
        columns: [(index: Int, name: String)],
        kept: String?
    ) -> (_ hasTwins: Bool, _ ofSome: Bool) -> String {
        // The same bytes are the same value, for every type, and soon compared. Of others the texts tell, exactly: 1.5 is not 1.50, 0
        // not -0, one day not 24 hours, whatever the types' own idea of equality; and a type needs none.
        let list = ComparisonFinding.list(
            of: columns.map { index, name in
                (index, "(t.\(name)::text COLLATE \"C\") IS DISTINCT FROM (e.\(name)::text COLLATE \"C\")")
            }
        )
        func row(_ alias: String) -> String {
            "ROW(\(columns.map { "\(alias).\($0.name)" }.joined(separator: ", ")))"
        }
        let same = columns.isEmpty ? "true" : "\(row("t"))::record *= \(row("e"))::record"
        let differing = """
            CASE WHEN t.ctid IS NULL THEN NULL WHEN \(same) THEN '' \(kept.map { "WHEN \($0) THEN '' " } ?? "")ELSE \(list) END
            """
        let position = "e.\(prefix)position"
        return { hasTwins, ofSome in
            let twins = """
                SELECT e.*, count(*) OVER (PARTITION BY \(key.comparable("e"))) AS \(prefix)twins,
                    row_number() OVER (PARTITION BY \(key.comparable("e")), (\(row("e"))::text COLLATE "C") ORDER BY \(position)) AS \(prefix)place
                FROM \(expected) e
                """
            // A record is right if there are at least as many rows like it as there are records up to it that are the same, and no row
            // beyond the records of its key.
            return """
                SELECT position, twins, count(differing), min(nullif(differing, '')) FROM (
                    SELECT \(position) AS position, \(hasTwins ? "e.\(prefix)twins, e.\(prefix)place" : "1, 1"), (\(differing)) COLLATE "C"
                    FROM \(hasTwins ? "(\(twins))" : expected) AS e LEFT JOIN \(table) AS t ON \(key.comparable("t")) = \(key.comparable("e"))
                    \(ofSome ? "WHERE \(position) = ANY($1::bigint[])" : "")
                ) AS found(position, twins, place, differing)
                GROUP BY position, twins, place
                HAVING count(differing) > twins OR count(*) FILTER (WHERE differing = '') < place
                ORDER BY position
                """
        }
    }
}
