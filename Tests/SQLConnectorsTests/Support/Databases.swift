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

    /// Makes a database with a table `t` of the one row `1|a`, as a process leaves it that is killed while it adds others.
    func databaseInMidChange(_ name: String) throws -> URL {
        let busy = try database(
            "busy.sqlite",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, name); INSERT INTO t VALUES (1, 'a')"
        )
        let writer = try connect(busy)
        // Pages of an open transaction reach the file, and their journal with them, as when the process dies here.
        try writer.execute(
            """
            PRAGMA cache_size = 1; BEGIN;
            WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n LIMIT 20000) INSERT INTO t SELECT i, hex(randomblob(50)) FROM n;
            """
        )
        for (part, copy) in [("busy.sqlite", name), ("busy.sqlite-journal", "\(name)-journal")] {
            try FileManager.default.copyItem(at: file(part), to: file(copy))
        }
        try writer.execute("ROLLBACK")
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
