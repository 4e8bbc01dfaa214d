public import Foundation
import GRDBSQLite

/// A SQLite database that records are read from. It is never written to.
public struct SQLiteSource: RecordSource {
    /// The database file.
    public let file: URL

    /// How long to wait for another program's lock.
    public var busyTimeout: Duration

    /// Names a database file; it is opened when it is needed.
    public init(_ file: URL, busyTimeout: Duration = .seconds(5)) {
        self.file = file
        self.busyTimeout = busyTimeout
    }

    /// Checks a query without running it; the source may be locked.
    public func check(_ query: SourceQuery) async throws -> RecordSchema {
        let source = self
        return try await SerialWorker(label: "check query", ()).run { _ in
            try QueryReading.prepare(query, on: try source.open()).1
        }
    }

    /// Opens the source read-only, and makes sure that it is a database one can read now.
    func open() throws -> SQLiteConnection {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: file.path, isDirectory: &isDirectory) else {
            throw SourceError(
                "The source \(file.path) does not exist. Check `source:` in the spec (a path is relative to the spec file)."
            )
        }
        if isDirectory.boolValue { throw SourceError("The source \(file.path) is a folder, not a SQLite database.") }
        do {
            let connection = try SQLiteConnection(
                uri: SQLiteConnection.uri(file.path, mode: "ro"),
                busyTimeout: busyTimeout
            )
            try connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1")
            return connection
        } catch let failure as SQLiteFailure {
            throw sourceError(failure)
        }
    }

    /// What a failure on the source means to a person.
    func sourceError(_ failure: SQLiteFailure) -> any Error {
        switch failure.primaryCode {
        case SQLITE_NOTADB:
            SourceError("The source \(file.path) is not a SQLite database. Check `source:` in the spec.")
        case SQLITE_CORRUPT:
            SourceError(
                "The source \(file.path) is damaged: \(failure.message). Look at it with PRAGMA integrity_check."
            )
        case SQLITE_READONLY where failure.code != SQLITE_READONLY:
            SourceUnavailable(
                description:
                    "The source \(file.path) was left in the middle of a change by a program that ended suddenly. Let SQLite put it right: sqlite3 \(file.path) 'SELECT 1 FROM sqlite_schema'"
            )
        case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH, SQLITE_READONLY:
            SourceError(
                "The source \(file.path) cannot be opened: \(failure.message). Check its permissions and those of its folder."
            )
        case SQLITE_BUSY, SQLITE_LOCKED:
            SourceUnavailable(
                description:
                    "The source \(file.path) is locked by another program (waited \(busyTimeout)). End that program's transaction, then try again."
            )
        default: SourceUnavailable(description: "The source \(file.path) cannot be read: \(failure.message).")
        }
    }
}
