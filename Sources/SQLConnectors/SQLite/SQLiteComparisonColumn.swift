import GRDBSQLite

/// A column of a target table, as far as it decides what becomes of a value and what equals it.
struct SQLiteComparisonColumn {
    var name: String
    private var affinity: SQLiteAffinity
    private var collation: String

    /// All columns of a table of the main database; none when there is no such table.
    static func all(of table: String, on connection: SQLiteConnection) throws -> [SQLiteComparisonColumn] {
        let strict = try connection.prepare(
            "SELECT max(strict) FROM pragma_table_list WHERE schema = 'main' AND lower(name) = lower(?1)"
        )
        strict.bind(.text(table), at: 1)
        let isStrict = try strict.step() && strict.integer(0) == 1
        let statement = try connection.prepare("SELECT name, type FROM pragma_table_xinfo(?1, 'main')")
        statement.bind(.text(table), at: 1)
        var columns: [SQLiteComparisonColumn] = []
        while try statement.step() {
            let (name, type) = (statement.text(0) ?? "", statement.text(1) ?? "")
            var collation: UnsafePointer<CChar>?
            // For a view there is none; SQLite owns the text, and keeps it while the schema stays.
            _ = sqlite3_table_column_metadata(connection.handle, "main", table, name, nil, &collation, nil, nil, nil)
            columns.append(
                SQLiteComparisonColumn(
                    name: name,
                    // Only in a STRICT table does ANY take values as they are.
                    affinity: isStrict && type.uppercased() == "ANY" ? .blob : SQLiteAffinity(declaredType: type),
                    collation: collation.map { String(cString: $0) } ?? "BINARY"
                )
            )
        }
        return columns
    }

    /// Defines a column in which values become and equal what they do in this one.
    func definition(named name: String) -> String {
        let type =
            switch affinity {
            case .integer: "INT"
            case .real: "REAL"
            case .numeric: "NUMERIC"
            case .text: "TEXT"
            case .blob: "BLOB"
            }
        return "\(quotedIdentifier(name)) \(type) COLLATE \(quotedIdentifier(collation))"
    }
}
