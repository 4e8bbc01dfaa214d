import Foundation
import GRDBSQLite

@testable import SQLConnectors

/// A folder of one test's own; gone with its last reference.
final class ScratchFolder: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "connectors-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func file(_ name: String) -> URL { url.appending(path: name) }

    /// Names of the files in the folder, sorted.
    var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
    }

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
