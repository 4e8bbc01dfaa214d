public import Foundation
import GRDB
import Synchronization
public import Workflows

/// Histories in a SQLite file, shared by the processes of one machine.
public final class SQLiteHistoryStore: HistoryStore {
    let database: any DatabaseWriter
    private let file: URL
    private let owners: URL
    private let locks = Mutex<[String: OwnerLock]>([:])
    private let writer = Mutex(HistoryWriter())

    /// Opens the file for an engine; makes it, for its owner only (mode 0600), when it is not there.
    ///
    /// - Throws: ``EngineFailure`` when it cannot be opened or comes from a newer version; it is untouched then.
    public init(file: URL) throws {
        self.file = file
        owners = Self.owners(of: file)
        do {
            if !FileManager.default.fileExists(atPath: file.path) {
                let descriptor = open(file.path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
                guard descriptor >= 0 else {
                    throw EngineFailure("The file \(file.path) cannot be made: \(String(cString: strerror(errno))).")
                }
                close(descriptor)
            }
            var configuration = Self.configuration
            configuration.prepareDatabase { db in
                // Pages that change again and again reach the file less often; the log stays below 20 MB.
                try db.execute(sql: "PRAGMA wal_autocheckpoint = 4000")
            }
            let pool = try DatabasePool(path: file.path, configuration: configuration)
            try HistorySchema.bringUpToDate(pool, file: file, owners: owners)
            try Self.recover(pool, owners: owners)
            try pool.writeWithoutTransaction { db in try Self.syncLess(db) }
            database = pool
        } catch let error as DatabaseError {
            throw Self.failure(error, file: file)
        }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        return configuration
    }

    /// The folder in which the owners of executions hold their locks.
    private static func owners(of file: URL) -> URL {
        file.deletingPathExtension().appendingPathExtension("owners")
    }

    /// From here on a power cut may take back the last turns, though never reorder them or leave one half. What they had published comes again,
    /// and sinks trim it by their own ledgers, which are synced.
    private static func syncLess(_ db: Database) throws { try db.execute(sql: "PRAGMA synchronous = NORMAL") }

    /// Opens the file for a process that only looks, and leaves requests. Where there is none, or none was begun, there are no histories.
    public init(reading file: URL) throws {
        self.file = file
        owners = Self.owners(of: file)
        do {
            let found =
                FileManager.default.fileExists(atPath: file.path)
                ? try DatabaseQueue(path: file.path, configuration: Self.configuration) : nil
            if let found, try found.read({ db in try db.tableExists("execution") }) {
                try HistorySchema.bringUpToDate(found, file: file, owners: owners)
                try Self.recover(found, owners: owners)
                database = found
            } else {
                database = try DatabaseQueue()
                try HistorySchema.migrator.migrate(database)
            }
        } catch let error as DatabaseError {
            throw Self.failure(error, file: file)
        }
    }

    private static func failure(_ error: DatabaseError, file: URL) -> EngineFailure {
        EngineFailure(
            "The histories in \(file.path) cannot be opened: \(error.message ?? "\(error.resultCode)"). Check the folder's permissions and free space."
        )
    }

    /// Reads. What does not read as what it should be is damaged, and said to be.
    func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        if writer.withLock({ $0.isBehind }) { try commitToDatabase([]) }
        do {
            return try await database.read(body)
        } catch let error as DatabaseError
            where error.resultCode != .SQLITE_CORRUPT && error.resultCode != .SQLITE_NOTADB
        {
            throw error
        } catch let error as CancellationError {
            throw error
        } catch {
            throw EngineFailure(
                "The histories in \(file.path) are damaged (\(error)). Move \(file.lastPathComponent) and the files beside it that begin with its name out of the folder, then resume: work goes on from its checkpoints."
            )
        }
    }

    /// See ``HistoryStore/commit(_:)``. What only adds to histories is seen by other processes a little later: at the next other change, or
    /// when this process reads, which an engine does every second.
    public func commit(_ writes: [StoreWrite]) async throws {
        let (isJournaled, isFull) = try writer.withLock { writer in
            (try writer.writeToJournal(writes), writer.isFull)
        }
        // Here and now: to hand a commit to another thread and wait for it takes longer than most commits do.
        if !isJournaled { try commitToDatabase(writes) } else if isFull { try commitToDatabase([]) }
    }

    /// Commits what the journal holds, and then these changes.
    private func commitToDatabase(_ writes: [StoreWrite]) throws {
        // Work that a client is told has begun stays begun.
        let mustBeSynced = writes.contains(where: \.isStart)
        do {
            try database.writeWithoutTransaction { db in
                if mustBeSynced { try db.execute(sql: "PRAGMA synchronous = FULL") }
                // Should it fail, later commits only take longer.
                defer { if mustBeSynced { try? Self.syncLess(db) } }
                try writer.withLock { writer in
                    try HistoryStatement("BEGIN IMMEDIATE", db).run()
                    do {
                        try writer.write(writes, db)
                        try HistoryStatement("COMMIT", db).run()
                    } catch {
                        writer.rolledBack()
                        // Some failures have rolled back already, as that of a full disk has.
                        if db.isInsideTransaction { try HistoryStatement("ROLLBACK", db).run() }
                        throw error
                    }
                    writer.committed()
                }
            }
        } catch let error as DatabaseError {
            throw EngineFailure.unwritten(
                error.message ?? "\(error.resultCode)",
                isFull: error.resultCode == .SQLITE_FULL
            )
        }
    }

    /// Brings in what the journals of owners that are gone still hold.
    private static func recover(_ database: any DatabaseWriter, owners: URL) throws {
        let files = (try? FileManager.default.contentsOfDirectory(at: owners, includingPropertiesForKeys: nil)) ?? []
        for file in files where file.pathExtension == "journal" {
            try recover(database, owners: owners, ownerID: file.deletingPathExtension().lastPathComponent)
        }
    }

    private static func recover(_ database: any DatabaseWriter, owners: URL, ownerID: String) throws {
        guard !OwnerLock.isHeld(folder: owners, ownerID: ownerID) else { return }
        let path = HistoryJournal.path(owners, ownerID)
        guard let content = FileManager.default.contents(atPath: path) else { return }
        try database.write { db in try HistoryWriter.bringIn([UInt8](content), ownerID: ownerID, db) }
        unlink(path)
    }

    /// See ``HistoryStore/append(_:)``.
    public func append(_ request: EngineRequest) async throws {
        let body = try StoredJSON.text(request)
        try await database.write { db in
            try db.execute(
                sql: "INSERT INTO request (workflow_id, body) VALUES (?, ?)",
                arguments: [request.workflowID, body]
            )
        }
    }

    /// See ``HistoryStore/register(owner:)``.
    public func register(owner: ExecutionOwner) async throws {
        let lock = try OwnerLock(folder: owners, ownerID: owner.id)
        locks.withLock { $0[owner.id] = lock }
        try await database.write { db in
            try db.execute(
                sql: "INSERT INTO owner (owner_id, process_id) VALUES (?, ?)",
                arguments: [owner.id, owner.processID]
            )
        }
        try writer.withLock { try $0.begin(folder: owners, ownerID: owner.id) }
    }

    /// See ``HistoryStore/owner(_:)``.
    public func owner(_ ownerID: String) async throws -> ExecutionOwner? {
        let processID = try await read { db in
            try Int.fetchOne(db, sql: "SELECT process_id FROM owner WHERE owner_id = ?", arguments: [ownerID])
        }
        guard let processID else { return nil }
        let isAlive = OwnerLock.isHeld(folder: owners, ownerID: ownerID)
        // Who learns that it is gone may read, or go on with, what it left.
        if !isAlive { try Self.recover(database, owners: owners, ownerID: ownerID) }
        return ExecutionOwner(id: ownerID, processID: processID, isAlive: isAlive)
    }

    /// See ``HistoryStore/release(ownerID:)``.
    public func release(ownerID: String) async {
        // Where that fails, the journal stays, and is brought in by the next process.
        if writer.withLock({ $0.isBehind }) { try? commitToDatabase([]) }
        writer.withLock { $0.end(ownerID: ownerID) }
        locks.withLock { $0.removeValue(forKey: ownerID) }?.release()
    }

    /// Gives up the locks and the file as the end of a process would: the lock files stay. For simulations.
    package func abandon() throws {
        locks.withLock { $0 = [:] }
        writer.withLock { $0.abandon() }
        try database.close()
    }
}

extension Date {
    package var wholeMilliseconds: Int64 { Int64((timeIntervalSince1970 * 1000).rounded()) }
    package init(wholeMilliseconds: Int64) { self.init(timeIntervalSince1970: Double(wholeMilliseconds) / 1000) }
}
