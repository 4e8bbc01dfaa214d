import Foundation
import GRDB
import TestSupport

/// A small backfill, drawn from a seed: its source, spec and targets in a folder of its own.
struct Scenario: CustomStringConvertible {
    /// The append table has a CHECK that refuses this.
    static let poison = "poison"
    static let historyLimit = 100

    let seed: UInt64
    /// What the rest of the simulation draws from.
    var random: SplitMix64
    let folder: URL
    /// Ids of each query's records, in the query's order.
    let idsByQuery: [String: [Int]]
    /// Ids that the append table refuses.
    let poisoned: Set<Int>
    let buckets: Int
    let batch: Int
    let executors: Int
    let histories: Histories
    /// The append table lies in a database of its own under the same name, or beside the other table.
    let isApart: Bool

    var specFile: URL { folder.appending(path: "spec.yaml") }
    var source: URL { folder.appending(path: "source.sqlite") }
    var upsertDatabase: URL { folder.appending(path: "target.sqlite") }
    var appendDatabase: URL { isApart ? folder.appending(path: "apart.sqlite") : upsertDatabase }
    var appendTable: String { isApart ? "customers" : "log" }
    var file: URL { folder.appending(path: "out.ndjson") }
    var state: URL { folder.appending(path: "state") }
    var ids: [Int] { idsByQuery.values.flatMap { $0 }.sorted() }

    var description: String {
        "seed \(seed): \(ids.count) records, \(idsByQuery.count) queries, \(buckets) buckets, batch \(batch), \(executors) executors, "
            + "poisoned \(poisoned.sorted())\(isApart ? ", tables apart" : "")"
    }

    init(seed: UInt64, records: ClosedRange<Int> = 40...200, poisoned poisonCount: ClosedRange<Int> = 0...2) {
        var random = SplitMix64(seed: seed)
        // One in five is long enough for hand-overs; the others are quick.
        let isLong = Int.random(in: 0..<5, using: &random) == 0
        let shortLimit = min(records.upperBound, records.lowerBound + 40)
        let count = Int.random(in: isLong ? records : records.lowerBound...shortLimit, using: &random)
        let isSplit = Int.random(in: 0..<3, using: &random) == 0
        let split = isSplit ? Int.random(in: 1..<count, using: &random) : count
        idsByQuery =
            split == count ? ["all": Array(1...count)] : ["low": Array(1...split), "high": Array(split + 1...count)]
        poisoned = Set(
            (0..<Int.random(in: poisonCount, using: &random)).map { _ in Int.random(in: 1...count, using: &random) }
        )
        buckets = .random(in: 2...(isLong || isSplit ? 5 : 3), using: &random)
        batch = .random(in: isLong ? 3...5 : 6...20, using: &random)
        executors = .random(in: 1...4, using: &random)
        isApart = .random(using: &random)
        let isInMemory = Int.random(in: 0..<3, using: &random) > 0
        self.seed = seed
        self.random = random
        folder = Self.temporaryFolder.appending(path: "backfill-simulation-\(UUID().uuidString)")
        let file = folder.appending(path: "state/engine.sqlite")
        histories = isInMemory ? .memory(MemoryHistoryStore()) : .file(file)
    }

    /// In memory where the system has such a place.
    private static var temporaryFolder: URL {
        let shared = URL(filePath: "/dev/shm", directoryHint: .isDirectory)
        return FileManager.default.isWritableFile(atPath: shared.path) ? shared : FileManager.default.temporaryDirectory
    }

    /// Makes the source, the spec, and the table that refuses poison.
    func create() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let poison = poisoned.map(String.init).joined(separator: ", ")
        try DatabaseQueue(path: source.path).write { db in
            try db.execute(
                sql: """
                    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, score REAL);
                    WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n LIMIT \(ids.count))
                    INSERT INTO customers
                    SELECT id, CASE WHEN id IN (\(poison)) THEN '\(Self.poison)' ELSE 'customer ' || id END, id / 4.0 FROM n;
                    """
            )
        }
        try DatabaseQueue(path: appendDatabase.path).write { db in
            try db.execute(
                sql: """
                    CREATE TABLE \(appendTable) (id INTEGER, name TEXT CHECK (name <> '\(Self.poison)'), score REAL)
                    """
            )
        }
        try spec.write(to: specFile, atomically: false, encoding: .utf8)
    }

    /// The name that the source gives a record.
    func name(of id: Int) -> String { poisoned.contains(id) ? Self.poison : "customer \(id)" }

    func remove() throws { try FileManager.default.removeItem(at: folder) }

    private var spec: String {
        let queries = idsByQuery.sorted { $0.key < $1.key }.map { name, ids in
            """
              - name: \(name)
                sql: SELECT id, name, score FROM customers WHERE id BETWEEN \(ids[0]) AND \(ids[ids.count - 1]) ORDER BY id
                key: id
            """
        }
        return """
            name: simulation
            source: sqlite:source.sqlite
            queries:
            \(queries.joined(separator: "\n"))
            buckets: \(buckets)
            batch: \(batch)
            executors: \(executors)
            history-limit: \(Self.historyLimit)
            tolerate: \(poisoned.count)
            retry: {initial-interval: 1ms, maximum-interval: 2ms, maximum-attempts: 50}
            sinks:
              - table: {database: sqlite:target.sqlite, name: customers, mode: upsert, create: true}
              - table: {database: "sqlite:\(appendDatabase.lastPathComponent)", name: \(appendTable), mode: append}
              - file: {path: out.ndjson}

            """
    }
}
