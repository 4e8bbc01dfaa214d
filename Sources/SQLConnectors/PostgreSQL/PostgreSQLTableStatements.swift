/// The statements that take records of one schema into one table.
struct PostgreSQLTableStatements {
    /// `COPY … FROM STDIN` into the table.
    let copy: String
    /// nil for append, which needs none.
    let staging: Staging?
    let encoder: TextCopyRows

    /// A temporary table beside the target, for an upsert.
    struct Staging {
        /// `COPY … FROM STDIN` into it.
        var copy: String
        /// Makes it unless it is there. To be run in each transaction: a rollback takes a table that was made in it away again.
        var creation: String
        /// From the staging table into the table.
        var merge: String
        /// The same when a key may be staged more than once: the last record of each key decides, as if they came one by one.
        var mergeLast: String
        /// Empties it before the transaction's end, which empties it too.
        var emptying: String
    }

    /// - Parameter number: tells staging tables of different columns in one session apart.
    /// - Throws: ``SinkError`` when the table has changed since it was checked.
    init(target: TableTarget, table: PostgreSQLTableDescription, schema: RecordSchema, number: Int) throws {
        let columns = try schema.columns.map { column in
            guard let found = table.column(for: column.name) else {
                throw SinkError(
                    "The table \(target.table) has no column \(column.name) any more. Put it back, or begin a new run."
                )
            }
            return found
        }
        encoder = TextCopyRows(kinds: columns.map(\.kind))
        let names = columns.map { quotedIdentifier($0.name) }
        let list = names.joined(separator: ", ")
        copy = "COPY \(table.name.sql) (\(list)) FROM STDIN"
        guard case .upsert(let unlessNewer) = target.mode else {
            staging = nil
            return
        }
        let stagingName = "pg_temp._backfill_staging\(number)"
        let keyName = target.keyColumn(of: schema)
        let key = quotedIdentifier(table.column(for: keyName)?.name ?? keyName)
        let newer = unlessNewer.map { quotedIdentifier(table.column(for: $0)?.name ?? $0) }
        let insertion = "INSERT INTO \(table.name.sql) AS t (\(list)) OVERRIDING SYSTEM VALUE "
        let renewed = names.filter { $0 != key }
        var conflict = " ON CONFLICT (\(key)) DO NOTHING"
        if !renewed.isEmpty {
            conflict =
                " ON CONFLICT (\(key)) DO UPDATE SET \(renewed.map { "\($0) = excluded.\($0)" }.joined(separator: ", "))"
            if let newer { conflict += " WHERE t.\(newer) IS NULL OR excluded.\(newer) >= t.\(newer)" }
        }
        // Where rows stand in a staging table that was empty is the order in which they came.
        let last = newer.map { "\($0) DESC NULLS LAST, ctid DESC" } ?? "ctid DESC"
        staging = Staging(
            copy: "COPY \(stagingName) (\(list)) FROM STDIN",
            // Types without constraints: what is not NULL or unique shows when the rows are merged.
            creation: """
                CREATE TEMPORARY TABLE IF NOT EXISTS _backfill_staging\(number) ON COMMIT DELETE ROWS AS
                SELECT \(list) FROM \(table.name.sql) WITH NO DATA
                """,
            merge: "\(insertion)SELECT \(list) FROM \(stagingName)\(conflict)",
            mergeLast: """
                \(insertion)SELECT DISTINCT ON (\(key)) \(list) FROM \(stagingName) ORDER BY \(key), \(last)\(conflict)
                """,
            emptying: "TRUNCATE \(stagingName)"
        )
    }
}
