/// Looks whether a PostgreSQL table can take records of a schema, and makes it when asked to.
struct PostgreSQLTableCheck {
    let target: TableTarget
    let name: PostgreSQLTableName
    let schema: RecordSchema
    /// For error texts.
    let databaseName: String

    private var columnList: String { schema.columns.map(\.name).joined(separator: ", ") }

    /// What the sink's settings ask of the query, whether or not there is a table yet.
    func checkQueryColumns() throws {
        guard case .upsert(let unlessNewer) = target.mode else { return }
        let key = target.keyColumn(of: schema)
        guard has(key) else {
            throw SinkError("The sink's key \(key) is not a column of the query. Its columns are \(columnList).")
        }
        if let unlessNewer, !has(unlessNewer) {
            throw SinkError(
                "`unless-newer: \(unlessNewer)`: the query gives no such column. Its columns are \(columnList)."
            )
        }
    }

    private func has(_ column: String) -> Bool {
        schema.columns.contains { $0.name.lowercased() == column.lowercased() }
    }

    /// Checks the table as it is; a table that is missing passes when it is to be made.
    ///
    /// - Throws: ``SinkError`` saying what is missing and what to do.
    func check(_ table: PostgreSQLTableDescription?, on connection: PostgreSQLConnection) throws {
        guard let table else {
            guard target.create else {
                throw SinkError(
                    "The table \(target.table) does not exist in \(databaseName). Create it, or add `create: true` to the table sink."
                )
            }
            return
        }
        for column in schema.columns {
            guard let found = table.column(for: column.name) else {
                let missing = schema.columns.map(\.name).filter { table.column(for: $0) == nil }
                throw SinkError(
                    """
                    The table \(target.table) in \(databaseName) lacks \(missing.joined(separator: ", ")), which the query gives. \
                    Its columns are \(table.columns.map(\.name).joined(separator: ", ")). Add the columns, or rename the query's with AS.
                    """
                )
            }
            if found.isGenerated {
                throw SinkError(
                    "The column \(found.name) of table \(target.table) is generated and cannot be written. Leave it out of the query."
                )
            }
        }
        let given = Set(schema.columns.compactMap { table.column(for: $0.name)?.name })
        if let required = table.columns.first(where: { $0.isRequired && !$0.isGenerated && !given.contains($0.name) }) {
            throw SinkError(
                "The column \(required.name) of table \(target.table) is NOT NULL without a default, and the query does not give it. Add it to the query."
            )
        }
        if case .upsert = target.mode { try checkKey(of: table, on: connection) }
    }

    private func checkKey(of table: PostgreSQLTableDescription, on connection: PostgreSQLConnection) throws {
        let wanted = target.keyColumn(of: schema)
        let key = table.column(for: wanted)?.name ?? wanted
        if let identity = table.columns.first(where: { $0.isAlwaysIdentity && $0.name != key && has($0.name) }) {
            throw SinkError(
                """
                The column \(identity.name) of table \(target.table) is GENERATED ALWAYS AS IDENTITY, which an upsert cannot update. Leave it \
                out of the query, or make it the sink's key.
                """
            )
        }
        let unique = try connection.execute(
            """
            SELECT 1 FROM pg_catalog.pg_index i
            JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
            WHERE i.indrelid = pg_catalog.to_regclass($1) AND a.attname = $2 AND i.indnkeyatts = 1
              AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
            """,
            [table.name.sql, key]
        )
        guard unique.count > 0 else {
            throw SinkError(
                """
                `mode: upsert` needs a unique key, and column \(key) of table \(target.table) has neither a PRIMARY KEY nor a UNIQUE \
                constraint that is checked at once. Type: CREATE UNIQUE INDEX ON \(table.name.sql) (\(quotedIdentifier(key)))
                """
            )
        }
    }

    /// The statement that makes the table.
    var creation: String {
        let key = target.keyColumn(of: schema)
        let columns = schema.columns.map { column in
            var definition = "\(quotedIdentifier(column.name)) \(column.postgreSQLType(schema.dialect))"
            if case .upsert = target.mode, column.name.lowercased() == key.lowercased() { definition += " PRIMARY KEY" }
            return definition
        }
        return "CREATE TABLE IF NOT EXISTS \(name.sql) (\(columns.joined(separator: ", ")))"
    }
}

extension Column {
    /// The type of a column that is made for these values: the source's own when that is PostgreSQL; else one that takes what SQLite
    /// keeps in such a column, by the rules of https://www.sqlite.org/datatype3.html#determination_of_column_affinity with two
    /// differences: BOOL… is boolean, and only NUMERIC and DECIMAL are numeric, since SQLite keeps dates and much else with that
    /// affinity as text. An expression has no type there; text takes all but bytes.
    func postgreSQLType(_ dialect: RecordSchema.Dialect) -> String {
        guard let declaredType, !declaredType.isEmpty else { return "text" }
        if dialect == .postgresql { return declaredType }
        let type = declaredType.uppercased()
        func holds(_ parts: String...) -> Bool { parts.contains { type.contains($0) } }
        if holds("INT") { return "bigint" }
        if holds("CHAR", "CLOB", "TEXT") { return "text" }
        if holds("BLOB") { return "bytea" }
        if holds("REAL", "FLOA", "DOUB") { return "double precision" }
        if holds("BOOL") { return "boolean" }
        return holds("NUMERIC", "DECIMAL") ? "numeric" : "text"
    }
}
