/// The key column of a comparison, and the statements about keys alone.
struct PostgreSQLComparisonKey {
    /// As the table has it.
    let column: PostgreSQLColumn
    private let table: String
    /// The type has no equality (`json`, `xml`, `point`): its texts are compared.
    private let isText: Bool

    private static let known = "pg_temp._backfill_known"

    /// - Throws: ``SinkError`` when the table has no such column.
    init(_ name: String, of table: PostgreSQLTableDescription, on connection: PostgreSQLConnection) throws {
        guard let column = table.column(for: name) else {
            throw SinkError(
                "The table \(table.name.sql) has no column \(name), by which its rows are found. Check the sink's `key:`."
            )
        }
        self.column = column
        self.table = table.name.sql
        let key = quotedIdentifier(column.name)
        do {
            _ = try connection.describe(
                "SELECT a.\(key) FROM \(table.name.sql) a, \(table.name.sql) b WHERE a.\(key) = b.\(key) ORDER BY a.\(key)"
            )
            isText = false
        } catch let failure as PostgreSQLFailure where failure.state == "42883" {
            isText = true
        }
    }

    /// The key of a table's alias, in a form that has equality and order.
    func comparable(_ alias: String, _ name: String? = nil) -> String {
        let key = "\(alias).\(quotedIdentifier(name ?? column.name))"
        return isText ? "(\(key)::text COLLATE \"C\")" : key
    }

    /// Makes the table of all keys that were handed in. It has no index: rows are only added, and the one statement that reads them
    /// reads all.
    var creation: String {
        "CREATE TEMPORARY TABLE _backfill_known AS SELECT \(quotedIdentifier(column.name)) AS key FROM \(table) WITH NO DATA"
    }

    /// Adds the keys of a table with such a column.
    func noting(from expected: String) -> String {
        let key = quotedIdentifier(column.name)
        return "INSERT INTO \(Self.known) SELECT \(key) FROM \(expected) WHERE \(key) IS NOT NULL"
    }

    /// Adds the key of each row of the table that has one, given as text.
    var notingRows: String {
        let given = isText ? "($1::text COLLATE \"C\")" : "$1"
        return
            "INSERT INTO \(Self.known) SELECT t.\(quotedIdentifier(column.name)) FROM \(table) t WHERE \(comparable("t")) = \(given)"
    }

    var analysis: String { "ANALYZE \(Self.known)" }

    /// First a row with the count, then so many keys as the parameter says.
    var others: String {
        // What the type's output function writes: a cast would drop the blanks of char(n).
        let text = column.kind == .bytes ? "encode(o.key, 'hex')" : "format('%s', o.key)"
        return """
            WITH o AS MATERIALIZED (
                SELECT t.\(quotedIdentifier(column.name)) AS key FROM \(table) t
                WHERE NOT EXISTS (SELECT FROM \(Self.known) k WHERE \(comparable("k", "key")) = \(comparable("t"))))
            SELECT count(*), NULL FROM o
            UNION ALL (SELECT NULL, CASE WHEN o.key IS NOT NULL THEN \(text) END FROM o ORDER BY \(comparable("o", "key")) LIMIT $1::bigint)
            """
    }
}
