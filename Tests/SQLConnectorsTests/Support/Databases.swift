import Foundation
import GRDBSQLite
import TestSupport

@testable import SQLConnectors

extension ScratchFolder {
    /// Makes a database and runs statements on it.
    func database(_ name: String = "source.sqlite", _ sql: String = "") throws -> URL {
        try execute(sql, on: file(name))
        return file(name)
    }
}

/// Opens a database as another program would.
func connect(_ file: URL) throws -> SQLiteConnection {
    try SQLiteConnection(uri: SQLiteConnection.uri(file.path, mode: "rwc"))
}

func execute(_ sql: String, on file: URL) throws { try connect(file).execute(sql) }

/// All rows of a statement, as text (`quote` makes it exact), columns joined by `|`.
func rows(_ sql: String, in file: URL) throws -> [String] {
    let connection = try connect(file)
    let statement = try connection.prepare(sql)
    var rows: [String] = []
    while try statement.step() {
        rows.append(
            (0..<sqlite3_column_count(statement.handle)).map { statement.text($0) ?? "NULL" }.joined(separator: "|")
        )
    }
    return rows
}
