import Foundation
import GRDB
import SQLConnectors

/// The ledger beside a file: how many of its bytes count, and the next ordinal of each (run, bucket).
///
/// A small SQLite database, for its atomic commit is proven, one commit costs one sync of a short log, a killed process leaves nothing
/// to repair by hand, and its exclusive lock keeps a second process from writing to the same file. All calls block.
final class FileLedger {
    private let database: DatabaseQueue

    /// Opens the ledger, and makes an empty one with mode 0600 when there is none.
    init(at file: URL) throws {
        // EXCL: a ledger that is there is not opened here, for closing it would drop this process's locks on it.
        let descriptor = open(file.path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
        if descriptor >= 0 {
            Foundation.close(descriptor)
        } else if errno != EEXIST {
            throw DurableFile.Failure("open", file)
        }
        var configuration = Configuration()
        configuration.prepareDatabase { database in
            // FULL puts every commit on the disk. Exclusive first: it keeps the log's index in memory instead of in a third file.
            try database.execute(
                sql: "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"
            )
        }
        database = try DatabaseQueue(path: file.path, configuration: configuration)
        try database.write { database in
            try database.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS file (
                        id INTEGER PRIMARY KEY CHECK (id = 1), run TEXT NOT NULL, format TEXT NOT NULL, header BLOB NOT NULL,
                        committed_bytes INTEGER NOT NULL, is_finishing INTEGER NOT NULL DEFAULT 0);
                    CREATE TABLE IF NOT EXISTS ledger (
                        run TEXT, bucket TEXT, next_ordinal INTEGER NOT NULL, PRIMARY KEY (run, bucket)) WITHOUT ROWID;
                    """
            )
        }
    }

    /// What it says of its file; nil when nothing was begun.
    func standing() throws -> FileStanding.Ledger? {
        try database.read { database in
            let row = try Row.fetchOne(
                database,
                sql: "SELECT run, format, header, committed_bytes, is_finishing FROM file"
            )
            return try row.map { row in
                FileStanding.Ledger(
                    run: try row.value(0),
                    format: try row.value(1),
                    header: Array(try row.value(2) as Data),
                    committedBytes: try row.value(3),
                    isFinishing: try row.value(4)
                )
            }
        }
    }

    /// The next ordinal of every (run, bucket) that has taken something.
    func nextOrdinals() throws -> [LedgerKey: Int64] {
        try database.read { database in
            var next: [LedgerKey: Int64] = [:]
            let rows = try Row.fetchCursor(database, sql: "SELECT run, bucket, next_ordinal FROM ledger")
            while let row = try rows.next() {
                next[LedgerKey(run: try row.value(0), bucket: try row.value(1))] = try row.value(2)
            }
            return next
        }
    }

    /// Notes whose file it is, once what it counts is on the disk.
    func begin(_ standing: FileStanding.Ledger) throws {
        try database.write { database in
            try database.execute(
                sql: "INSERT INTO file (id, run, format, header, committed_bytes) VALUES (1, ?, ?, ?, ?)",
                arguments: [standing.run, standing.format, Data(standing.header), standing.committedBytes]
            )
        }
    }

    /// Moves the length and the ordinals in one commit, once the bytes are on the disk.
    func move(to committedBytes: Int64, nextOrdinals: [LedgerKey: Int64]) throws {
        try database.write { database in
            try database.execute(sql: "UPDATE file SET committed_bytes = ?", arguments: [committedBytes])
            let upsert = try database.cachedStatement(sql: "INSERT OR REPLACE INTO ledger VALUES (?, ?, ?)")
            for (key, next) in nextOrdinals { try upsert.execute(arguments: [key.run, key.bucket, next]) }
        }
    }

    /// Notes that the file is whole, before it is renamed.
    func markFinishing() throws {
        try database.write { try $0.execute(sql: "UPDATE file SET is_finishing = 1") }
    }

    /// Folds the log into the database and closes it.
    func close() throws { try database.close() }
}

extension Row {
    /// A column's value. In a damaged file it may be any, or none, whatever the table says.
    ///
    /// - Throws: SQLite's own error for damage.
    fileprivate func value<Value: DatabaseValueConvertible>(_ column: Int) throws -> Value {
        guard let value = Value.fromDatabaseValue(self[column]) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a row of it holds something else")
        }
        return value
    }
}
