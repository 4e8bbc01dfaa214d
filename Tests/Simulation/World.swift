import Foundation
import GRDB
import PubSub
import Synchronization
import TestSupport
import WorkflowEngine
import WorkflowTesting

import BackfillKit
import SQLConnectors

/// What outlives the simulated processes of a scenario: source, targets and state, in a folder in memory and in databases in memory.
///
/// Sendable though the compiler cannot see it: a scenario is simulated on one thread.
final class World: @unchecked Sendable {
    /// Where histories lie: in a file, as in production, or in memory, which is quicker.
    enum Histories {
        case file(URL)
        case memory(MemoryHistoryStore)
    }

    let scenario: Scenario
    /// What is drawn while the scenario is simulated.
    var random: SplitMix64
    let folder: URL
    /// The run store: in memory as durable as the object, and in a file as the disk.
    private(set) var store: DatabaseQueue
    let histories: Histories
    let witness: Witness?
    /// The append table refuses nothing any more.
    private(set) var isTargetMended = false
    private var specs: [String: BackfillSpec] = [:]
    /// How often the spec was taken anew, and dead letters were published again.
    var amendments = 0
    var redrives = 0
    /// The most records of a batch that a person has allowed.
    var mostRecordsOfBatch = 0

    var upsertDatabase: URL { folder.appending(path: "target.sqlite") }
    var appendDatabase: URL { scenario.isApart ? folder.appending(path: "apart.sqlite") : upsertDatabase }
    var file: URL { folder.appending(path: "out.ndjson") }
    var state: StateFolder { StateFolder(folder.appending(path: "state")) }

    /// Makes the table that refuses poison, and an empty state.
    init(_ scenario: Scenario, random: SplitMix64) throws {
        self.scenario = scenario
        self.random = random
        folder = Self.root.appending(path: "\(Self.folders.wrappingAdd(1, ordering: .relaxed).oldValue)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        store = try Self.emptyStore()
        histories =
            scenario.keepsStateInFiles
            ? .file(folder.appending(path: "state/engine.sqlite")) : .memory(MemoryHistoryStore())
        witness = scenario.hasWitness ? Witness(seed: scenario.seed) : nil
        try state.create()
        if scenario.keepsStateInFiles {
            let empty = store
            store = try openFile()
            try empty.backup(to: store)
            Self.stores.withLock { $0.append(empty) }
        }
        try Self.connection(appendDatabase).execute(
            "CREATE TABLE \(scenario.appendTable) (id INTEGER, name TEXT CHECK (name <> '\(Scenario.poison)'), score REAL)"
        )
    }

    private func openFile() throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA journal_mode = WAL") }
        return try DatabaseQueue(path: state.storeFile.path, configuration: configuration)
    }

    /// Opens the run store for the next process, and for whoever looks at it.
    func openStore() throws {
        if scenario.keepsStateInFiles { store = try openFile() }
    }

    /// The process that had it open is gone.
    func closeStore() throws {
        if scenario.keepsStateInFiles { try store.close() }
    }

    /// Looks into the run store. SQLite compiles every statement anew after a read that is kept from writing, so this one is not.
    func read<Value>(_ body: (Database) throws -> Value) throws -> Value { try store.writeWithoutTransaction(body) }

    /// The spec as it was written, or as it was mended.
    func spec(isAmended: Bool = false) throws -> BackfillSpec {
        let text = scenario.spec(source: try Self.source.get().path, isAmended: isAmended)
        return try spec(text, file: folder.appending(path: "spec.yaml").path, frozenSQL: [:])
    }

    /// Reads a text once: that takes as long as a few batches.
    func spec(_ text: String, file: String, frozenSQL: [String: String]) throws -> BackfillSpec {
        // With SQL that was frozen before the text was mended it is another spec.
        let isAsWritten = frozenSQL.values.allSatisfy(text.contains)
        if isAsWritten, let known = specs[text] { return known }
        let spec = try BackfillSpec.parse(text: text, file: file, environment: [:], frozenSQL: frozenSQL)
        if isAsWritten { specs[text] = spec }
        return spec
    }

    /// Lets the append table take everything from now on.
    func mendTarget() throws {
        guard !isTargetMended else { return }
        let table = scenario.appendTable
        try Self.connection(appendDatabase).execute(
            """
            BEGIN; CREATE TABLE mended (id INTEGER, name TEXT, score REAL); INSERT INTO mended SELECT * FROM \(table);
            DROP TABLE \(table); ALTER TABLE mended RENAME TO \(table); COMMIT
            """
        )
        isTargetMended = true
    }

    /// Tables of one name in two databases are told apart by their files.
    func subscription(_ table: String, _ database: URL) -> String {
        scenario.isApart ? "table \(table) in \(database.path)" : "table \(table)"
    }

    /// Runs a body on a machine of its own, in a world of its own.
    static func with(
        seed: UInt64,
        records: ClosedRange<Int>,
        poisoned: ClosedRange<Int>,
        _ body: @escaping @Sendable (World, MachineReference) async throws -> Void
    ) throws {
        try prepare()
        let box = ErrorBox()
        let (_, end) = Machine.run(seed: seed) { machine in
            do {
                var random = SplitMix64(seed: seed)
                let scenario = Scenario(seed: seed, random: &random, records: records, poisoned: poisoned)
                let world = try World(scenario, random: random)
                machine.disk.trust(world.folder)
                try await body(world, machine)
                try world.remove()
            } catch {
                box.error.withLock { $0 = error }
            }
            machine.finish()
        }
        if let error = box.error.withLock({ $0 }) { throw error }
        guard end == .done else { throw EngineFailure("seed \(seed): the simulation is \(end)") }
    }

    private final class ErrorBox: Sendable {
        let error = Mutex<(any Error)?>(nil)
    }

    func remove() throws {
        if scenario.keepsStateInFiles {
            try store.close()
        } else {
            Self.stores.withLock { $0.append(store) }
        }
        try FileManager.default.removeItem(at: folder)
    }

    /// A connection for looking into a database, and for mending it.
    static func connection(_ database: URL) throws -> SQLConnectors.SQLiteConnection {
        try SQLConnectors.SQLiteConnection(uri: SQLConnectors.SQLiteConnection.uri(database.path, mode: "rwc"))
    }

    // MARK: Shared by all

    private static let folders = Atomic<Int>(0)

    /// In memory where the system has such a place; gone with the process.
    private static let root: URL = {
        let shared = URL(filePath: "/dev/shm", directoryHint: .isDirectory)
        let place =
            FileManager.default.isWritableFile(atPath: shared.path) ? shared : FileManager.default.temporaryDirectory
        atexit { try? FileManager.default.removeItem(at: World.root) }
        return place.appending(path: "backfill-simulation-\(getpid())")
    }()

    /// Run stores that no world needs any more. To compile all statements anew for each would take longer than to run them.
    private static let stores = Mutex<[DatabaseQueue]>([])

    /// A run store that holds nothing.
    private static func emptyStore() throws -> DatabaseQueue {
        guard let used = stores.withLock({ $0.popLast() }) else {
            let fresh = try DatabaseQueue()
            try RunStoreSchema.migrator.migrate(fresh)
            return fresh
        }
        try used.writeWithoutTransaction { db in
            // What refers to others goes before them.
            let tables = try String.fetchAll(
                db.cachedStatement(
                    sql: """
                        SELECT name FROM sqlite_schema
                        WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'grdb_migrations'
                        ORDER BY name = 'run', rowid DESC
                        """
                )
            )
            for table in tables { try db.cachedStatement(sql: "DELETE FROM \(table)").execute() }
        }
        return used
    }

    /// No scenario has more records than this, and none changes it.
    private static let source = Result {
        let file = root.appending(path: "source.sqlite")
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try connection(file).execute(
            """
            CREATE TABLE customers (id INTEGER PRIMARY KEY, score REAL);
            WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n LIMIT 300)
            INSERT INTO customers SELECT id, id / 4.0 FROM n
            """
        )
        return file
    }

    /// Makes what all share, before the first thread simulates.
    static func prepare() throws { _ = try source.get() }
}
