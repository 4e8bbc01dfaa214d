import Foundation
import GRDBSQLite

/// What the engine's speed is held against: one row, one commit.
final class CommitReference {
    private var database: OpaquePointer?
    private var insert: OpaquePointer?
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "reference-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try check(sqlite3_open(folder.appending(path: "reference.sqlite").path, &database))
        for statement in [
            "PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL",
            "CREATE TABLE step (id INTEGER PRIMARY KEY, result TEXT NOT NULL)",
        ] {
            try check(sqlite3_exec(database, statement, nil, nil, nil))
        }
        try check(sqlite3_prepare_v2(database, "INSERT INTO step (result) VALUES ('{}')", -1, &insert, nil))
    }

    deinit {
        sqlite3_finalize(insert)
        sqlite3_close(database)
        try? FileManager.default.removeItem(at: folder)
    }

    func commit(times: Int) throws {
        for _ in 0..<times {
            guard sqlite3_step(insert) == SQLITE_DONE else { throw ReferenceFailure(text: message) }
            try check(sqlite3_reset(insert))
        }
    }

    private func check(_ code: Int32) throws {
        guard code == SQLITE_OK else { throw ReferenceFailure(text: message) }
    }

    private var message: String { String(cString: sqlite3_errmsg(database)) }
}

/// SQLite refused what the reference asked for.
struct ReferenceFailure: Error {
    var text: String
}
