/// A target table as it is.
struct PostgreSQLTableDescription {
    /// With its schema.
    var name: PostgreSQLTableName
    var columns: [PostgreSQLColumn]

    /// Looks a table up; nil when there is none of that name.
    ///
    /// - Throws: ``SinkError`` when it is something that cannot be copied into.
    init?(_ name: PostgreSQLTableName, on connection: PostgreSQLConnection) throws {
        let found = try connection.execute(
            """
            SELECT c.oid, n.nspname, c.relname, c.relkind
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE c.oid = pg_catalog.to_regclass($1)
            """,
            [name.sql]
        )
        guard found.count == 1, let oid = found[0, 0] else { return nil }
        self.name = PostgreSQLTableName(schema: found[0, 1], table: found[0, 2] ?? name.table)
        guard ["r", "p"].contains(found[0, 3]) else {
            throw SinkError("\(name.sql) is a view or something else that is no table. Name the table below it.")
        }
        let rows = try connection.execute(
            """
            SELECT a.attname, coalesce(nullif(t.typbasetype, 0), t.oid), CASE WHEN t.typbasetype = 0 THEN a.atttypmod ELSE t.typtypmod END,
                (a.attnotnull OR t.typnotnull) AND NOT a.atthasdef AND a.attidentity = '' AND t.typdefault IS NULL,
                a.attgenerated <> '', a.attidentity = 'a'
            FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
            WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
            """,
            [oid]
        )
        columns = (0..<rows.count).map { row in
            PostgreSQLColumn(
                name: rows[row, 0] ?? "",
                kind: PostgreSQLColumn.Kind(
                    type: rows[row, 1].flatMap { Int($0) } ?? 0,
                    modifier: rows[row, 2].flatMap { Int($0) } ?? -1
                ),
                isRequired: rows[row, 3] == "t",
                isGenerated: rows[row, 4] == "t",
                isAlwaysIdentity: rows[row, 5] == "t"
            )
        }
    }

    /// The column that a query's column goes to: of the same name, or of the only one that differs by letter case.
    func column(for name: String) -> PostgreSQLColumn? {
        if let exact = columns.first(where: { $0.name == name }) { return exact }
        let similar = columns.filter { $0.name.lowercased() == name.lowercased() }
        return similar.count == 1 ? similar[0] : nil
    }
}
