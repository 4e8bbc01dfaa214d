public import Foundation
import GRDBSQLite

/// A SQLite file that scripts are run on.
public struct SQLiteScriptDatabase: ScriptDatabase {
    private let file: URL
    private let creates: Bool
    private let busyTimeout: Duration

    /// Names the file; it is opened for each script.
    ///
    /// - Parameter creates: whether it is made when it is missing, for its owner only.
    public init(_ file: URL, creates: Bool, busyTimeout: Duration = .seconds(5)) {
        self.file = file
        self.creates = creates
        self.busyTimeout = busyTimeout
    }

    /// Runs a script once in effect.
    public func runOnce(_ script: SQLScript, as key: LedgerKey) async throws {
        let database = self
        try await SerialWorker(label: script.name, ()).run { _ in try database.runBlocking(script, as: key) }
    }

    private func runBlocking(_ script: SQLScript, as key: LedgerKey) throws {
        if !FileManager.default.fileExists(atPath: file.path) {
            guard creates else {
                throw ScriptError(script, "the database \(file.path) does not exist. Check the hook's `on:`.")
            }
            let descriptor = open(file.path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else {
                throw ScriptError(
                    script,
                    "the database \(file.path) cannot be made: \(String(cString: strerror(errno)))."
                )
            }
            close(descriptor)
        }
        do {
            let connection = try SQLiteConnection(
                uri: SQLiteConnection.uri(file.path, mode: "rw"),
                busyTimeout: busyTimeout
            )
            try connection.execute("PRAGMA synchronous = FULL; \(SQLiteLedger.creation); BEGIN IMMEDIATE")
            let done = try connection.prepare("INSERT OR IGNORE INTO \(SQLiteLedger.table) VALUES (?1, '', ?2, 1)")
            done.bind(.text(key.run), at: 1)
            done.bind(.text(key.bucket), at: 2)
            try done.run()
            // The connection goes with this frame, and with it a transaction that was not committed.
            guard sqlite3_changes64(connection.handle) == 1 else { return }
            try execute(script, on: connection)
            try connection.execute("COMMIT")
        } catch let failure as SQLiteFailure {
            switch failure.primaryCode {
            case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_FULL, SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_READONLY:
                throw TargetUnavailable(
                    "\(script.name): the database \(file.path) cannot be written just now: \(failure.message)."
                )
            default: throw ScriptError(script, "\(failure.message).")
            }
        }
    }

    private func execute(_ script: SQLScript, on connection: SQLiteConnection) throws {
        // A COMMIT in the script would part its effect from the ledger's row.
        sqlite3_set_authorizer(
            connection.handle,
            { _, action, _, _, _, _ in action == SQLITE_TRANSACTION ? SQLITE_DENY : SQLITE_OK },
            nil
        )
        defer { sqlite3_set_authorizer(connection.handle, nil, nil) }
        do {
            try connection.execute(script.sql)
        } catch let failure as SQLiteFailure where failure.primaryCode == SQLITE_AUTH {
            throw ScriptError.ownTransaction(script)
        }
    }
}
