/// The statements that compare records of one schema with a table.
struct SQLiteComparisonStatements {
    /// Into the table of expected records, whose rows are numbered from 1 in the order in which they come.
    let insertion: SQLiteInsertion
    /// The key's position among the records' columns.
    let keyIndex: Int
    let emptying: String
    /// Gives a row if some records have the same key.
    let twins: String
    /// Of records with the same key leaves the one that decides in an upsert.
    let superseding: String
    /// Adds the keys to those that were handed in.
    let noting: String
    /// Adds the key of each row of the table that has one, the parameter.
    let notingRows: String

    private let findings: (_ hasTwins: Bool, _ ofSome: Bool) -> String

    /// Numbers of expected rows that differ, how many records have their key, how many rows, and the positions of the columns that differ.
    ///
    /// - Parameters:
    ///   - hasTwins: whether some records have the same key.
    ///   - ofSome: whether to look only at the numbers in a JSON array, the statement's parameter.
    func findings(hasTwins: Bool, ofSome: Bool) -> String { findings(hasTwins, ofSome) }

    private static let known = "temp._backfill_known"

    /// Makes the table of all keys that were handed in.
    static func creationOfKeys(_ key: SQLiteComparisonColumn) -> String {
        "CREATE TABLE \(known) (\(key.definition(named: "key")))"
    }

    /// Sorts the keys that were handed in.
    static let indexingOfKeys = "CREATE INDEX IF NOT EXISTS temp._backfill_known_key ON _backfill_known (key)"

    /// The keys of the table's rows that were not handed in.
    static func others(_ key: SQLiteComparisonColumn, table: String) -> String {
        let name = quotedIdentifier(key.name)
        return
            "SELECT t.\(name) FROM \(table) t WHERE NOT EXISTS (SELECT 1 FROM \(known) k WHERE k.key = t.\(name)) ORDER BY t.\(name)"
    }

    /// - Parameter number: tells the tables of different columns on one connection apart.
    init(
        target: TableTarget,
        columns: [SQLiteComparisonColumn],
        key: SQLiteComparisonColumn,
        schema: RecordSchema,
        number: Int,
        on connection: SQLiteConnection
    ) throws {
        let own = try schema.columns.map { column in
            guard let found = columns.first(where: { $0.name.lowercased() == column.name.lowercased() }) else {
                throw SinkError(
                    "The table \(target.table) has no column \(column.name), which the records give. Put it back, or compare with another run."
                )
            }
            return found
        }
        guard target.keyColumn(of: schema).lowercased() == key.name.lowercased(),
            let keyIndex = own.firstIndex(where: { $0.name == key.name })
        else {
            throw SinkError(
                "The comparison with table \(target.table) goes by column \(key.name), and records with another key need another one."
            )
        }
        self.keyIndex = keyIndex
        // The table may have columns of any name.
        var prefix = "_"
        while columns.contains(where: { $0.name.lowercased().hasPrefix(prefix) }) { prefix += "_" }
        let table = "main." + quotedIdentifier(target.table)
        let staging = TableTarget(table: "_backfill_expected\(number)", mode: .append, create: false)
        let expected = "temp." + staging.table
        let definitions = own.map { $0.definition(named: $0.name) }.joined(separator: ", ")
        try connection.execute("CREATE TABLE \(expected) (\(prefix)number INTEGER PRIMARY KEY, \(definitions))")
        insertion = try SQLiteInsertion(staging, schema: schema, on: connection)

        let keyName = quotedIdentifier(key.name)
        emptying = "DELETE FROM \(expected)"
        twins = "SELECT 1 FROM \(expected) GROUP BY \(keyName) HAVING count(*) > 1 LIMIT 1"
        noting = "INSERT INTO \(Self.known) SELECT \(keyName) FROM \(expected) WHERE \(keyName) IS NOT NULL"
        notingRows = "INSERT INTO \(Self.known) SELECT t.\(keyName) FROM \(table) t WHERE t.\(keyName) = ?1"
        var newer: String?
        if case .upsert(let column?) = target.mode { newer = quotedIdentifier(column) }
        let last = newer.map { "\($0) DESC NULLS LAST, \(prefix)number DESC" } ?? "\(prefix)number DESC"
        superseding = """
            DELETE FROM \(expected) WHERE \(prefix)number IN (SELECT number FROM (
                SELECT \(prefix)number AS number, row_number() OVER (PARTITION BY \(keyName) ORDER BY \(last)) AS place
                FROM \(expected) WHERE \(keyName) IS NOT NULL) WHERE place > 1)
            """
        findings = Self.findings(
            expected: expected,
            prefix: prefix,
            table: table,
            key: keyName,
            // An upsert finds the row by its key, and leaves the key as it is.
            columns: own.enumerated().filter { target.mode == .append || $1.name != key.name }
                .map { ($0, quotedIdentifier($1.name)) },
            kept: newer.map { "t.\($0) IS NOT NULL AND (e.\($0) >= t.\($0)) IS NOT 1" }
        )
    }

    /// - Parameter kept: whether `unless-newer` keeps the row, which is then right whatever it holds.
    private static func findings(
        expected: String,
        prefix: String,
        table: String,
        key: String,
        columns: [(index: Int, name: String)],
        kept: String?
    ) -> (_ hasTwins: Bool, _ ofSome: Bool) -> String {
        // 1 and 1.0 are equal and not the same; so are 'a' and 'A' in a column that does not tell them apart.
        let list = ComparisonFinding.list(
            of: columns.map { index, name in
                (
                    index,
                    "t.\(name) IS NOT e.\(name) COLLATE BINARY OR typeof(t.\(name)) <> typeof(e.\(name))"
                )
            }
        )
        let differing =
            "CASE WHEN t.\(key) IS NULL THEN NULL \(kept.map { "WHEN \($0) THEN '' " } ?? "")ELSE \(list) END"
        let number = "\(prefix)number"
        return { hasTwins, ofSome in
            let exact = columns.map { ", \($0.name) COLLATE BINARY, typeof(\($0.name))" }.joined()
            let twins = """
                SELECT *, count(*) OVER (PARTITION BY \(key)) AS \(prefix)twins,
                    row_number() OVER (PARTITION BY \(key)\(exact) ORDER BY \(number)) AS \(prefix)place
                FROM \(expected)
                """
            // A record is right if there are at least as many rows like it as there are records up to it that are the same, and no row
            // beyond the records of its key.
            return """
                SELECT number, twins, count(differing), min(nullif(differing, '')) FROM (
                    SELECT e.\(number) AS number, \(hasTwins ? "e.\(prefix)twins" : "1") AS twins,
                        \(hasTwins ? "e.\(prefix)place" : "1") AS place, \(differing) AS differing
                    FROM \(hasTwins ? "(\(twins))" : expected) AS e LEFT JOIN \(table) AS t ON t.\(key) = e.\(key)
                    \(ofSome ? "WHERE e.\(number) IN (SELECT value FROM json_each(?1))" : ""))
                GROUP BY number, twins, place
                HAVING count(differing) > twins OR count(*) FILTER (WHERE differing = '') < place
                ORDER BY number
                """
        }
    }
}
