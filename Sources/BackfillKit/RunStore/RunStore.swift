public import Foundation
package import GRDB
import SQLConnectors

/// What BackfillKit keeps of its runs: specs, queries, frozen plans, checkpoints, dead letters, in `backfill.sqlite` or in PostgreSQL.
///
/// The history in the engine drives a run; this store holds what histories only point to (claim check), and the figures that `stats`
/// answers from any process. A checkpoint is written here only after every subscription has settled the batch, so it never runs ahead of a sink.
/// Every write is safe to repeat.
public struct RunStore: Sendable {
    var database: RunDatabase
    let now: @Sendable () -> Date
    /// The store's own files, where they are kept in a database and not in a folder that all processes share.
    let files: PostgreSQLFiles?

    /// Opens the store for a process that works on runs; makes it when it is not there, readable by its owner only (mode 0600).
    ///
    /// - Throws: ``StateError`` when the folder cannot be written, or the file comes from a newer version of this tool.
    public init(file: URL, now: @escaping @Sendable () -> Date = { Date() }) throws {
        self.now = now
        files = nil
        try PrivateFile.create(at: file)
        do {
            var configuration = Configuration()
            configuration.busyMode = .timeout(10)
            let pool = try DatabasePool(path: file.path, configuration: configuration)
            try Self.refuseNewer(pool, file: file)
            try RunStoreSchema.migrator.migrate(pool)
            database = RunDatabase(backend: SQLiteStore(connection: pool))
        } catch let error as DatabaseError {
            throw StateError.unusable(file: file, cause: error.message ?? "\(error.resultCode)")
        }
    }

    /// Opens the store for a process that only looks, while another one may be at work.
    ///
    /// - Throws: ``StateError`` when there is none, or the file comes from a newer version of this tool.
    public init(reading file: URL, now: @escaping @Sendable () -> Date = { Date() }) throws {
        self.now = now
        files = nil
        guard FileManager.default.fileExists(atPath: file.path) else {
            throw StateError.empty(file.deletingLastPathComponent())
        }
        do {
            let queue: DatabaseQueue
            do {
                queue = try Self.reader(file)
            } catch let error as DatabaseError where error.resultCode == .SQLITE_READONLY {
                // A process ended within its first write to the file. Only who may write can take that back.
                _ = try RunStore(file: file)
                queue = try Self.reader(file)
            }
            if try queue.read({ db in try !RunStoreSchema.migrator.hasCompletedMigrations(db) }) {
                // An older version's: whoever looks at it first brings it up to date.
                _ = try RunStore(file: file)
            }
            database = RunDatabase(backend: SQLiteStore(connection: queue))
        } catch let error as DatabaseError {
            throw StateError.unusable(file: file, cause: error.message ?? "\(error.resultCode)")
        }
    }

    private static func reader(_ file: URL) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        configuration.readonly = true
        let queue = try DatabaseQueue(path: file.path, configuration: configuration)
        try refuseNewer(queue, file: file)
        return queue
    }

    /// The run of that id.
    ///
    /// - Throws: ``RunRefused`` when there is none.
    public func requireRun(_ text: String) async throws -> RunID {
        guard let run = try await run(RunID(rawValue: text)) else { throw RunRefused.unknown(run: text) }
        return run.runID
    }

    /// The newest run.
    ///
    /// - Throws: ``RunRefused`` when there is none.
    public func requireNewestRun() async throws -> RunID {
        guard let run = try await runs().first else { throw RunRefused.none }
        return run.runID
    }

    /// A store on another database than SQLite's.
    init(_ backend: any StoreBackend, files: PostgreSQLFiles, now: @escaping @Sendable () -> Date) {
        self.now = now
        self.files = files
        database = RunDatabase(backend: backend)
    }

    /// A store in memory, for tests and simulations.
    public init(inMemory now: @escaping @Sendable () -> Date) throws {
        let queue = try DatabaseQueue()
        try RunStoreSchema.migrator.migrate(queue)
        self.init(on: queue, now: now)
    }

    /// A store on a database that has its tables, and that outlives it.
    ///
    /// - Parameters:
    ///   - faults: called around each write; what it throws breaks the work off there.
    ///   - isAlone: whether there is one connection only, and a read needs no transaction of its own to see one state.
    package init(
        on connection: any DatabaseWriter,
        now: @escaping @Sendable () -> Date = { Date() },
        faults: @escaping @Sendable (_ moment: String) throws -> Void = { _ in },
        isAlone: Bool = false
    ) {
        self.now = now
        files = nil
        database = RunDatabase(
            backend: SQLiteStore(connection: connection, isAlone: isAlone),
            faults: faults
        )
    }

    /// Whether this version of the tool can read the file; an older file is migrated by the first process that writes.
    private static func refuseNewer(_ reader: any DatabaseReader, file: URL) throws {
        let superseded = try reader.read { db in try RunStoreSchema.migrator.hasBeenSuperseded(db) }
        if superseded { throw StateError.newerVersion(file: file) }
    }

    /// The present time in the store's unit.
    var nowMilliseconds: Int64 { now().millisecondsSince1970 }
}

extension Date {
    /// Whole milliseconds since 1970, the unit of all times in the store.
    var millisecondsSince1970: Int64 { Int64((timeIntervalSince1970 * 1000).rounded()) }
}
