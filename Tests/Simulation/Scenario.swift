import Foundation
import TestSupport

/// A small backfill, drawn from a seed: its records, its spec, and what people will do to it.
struct Scenario: CustomStringConvertible {
    /// The append table has a CHECK that refuses this.
    static let poison = "poison"
    static let historyLimit = 100

    /// What becomes of records that were refused.
    enum Mending: String {
        /// They stay dead letters, which the spec tolerates.
        case none
        /// The target is mended and the dead letters are published again.
        case redrive
        /// The spec tolerates none, so the run stops; it is carried on with mended SQL.
        case amendment
    }

    let seed: UInt64
    /// Ids of each query's records, in the query's order.
    let idsByQuery: [String: [Int]]
    /// Ids that the append table refuses.
    let poisoned: Set<Int>
    let mending: Mending
    /// The first dead letter stops the run in the middle, when some sinks have taken more of a batch than others.
    let stopsAtOnce: Bool
    let buckets: Int
    let batch: Int
    let executors: Int
    /// Records a second; nil for no limit.
    let pace: Int?
    /// A Swift subscriber gets every message too.
    let hasWitness: Bool
    /// The append table lies in a database of its own under the same name, or beside the other table.
    let isApart: Bool
    /// The file sink writes lines beside the tables.
    let hasFile: Bool
    /// Histories and the run store lie in files, as in production, and not in memory, which is quicker.
    let keepsStateInFiles: Bool

    var ids: [Int] { idsByQuery.values.flatMap { $0 }.sorted() }
    var appendTable: String { isApart ? "customers" : "log" }

    var description: String {
        "seed \(seed): \(ids.count) records, \(idsByQuery.count) queries, \(buckets) buckets, batch \(batch), \(executors) executors, "
            + "poisoned \(poisoned.sorted())\(mending == .none ? "" : ", \(mending.rawValue)")"
            + "\(isApart ? ", tables apart" : "")\(pace.map { ", \($0)/s" } ?? "")\(hasWitness ? ", a subscriber" : "")"
            + "\(keepsStateInFiles ? ", state in files" : "")"
    }

    /// - Parameter random: what the rest of the simulation draws from, after this.
    init(
        seed: UInt64,
        random: inout SplitMix64,
        records: ClosedRange<Int>? = nil,
        poisoned poisonCount: ClosedRange<Int>? = nil
    ) {
        self.seed = seed
        // Most are tiny; one in thirty is long enough for hand-overs.
        let isLong = Int.random(in: 0..<30, using: &random) == 0
        let drawn = isLong ? 56...80 : Int.random(in: 0..<4, using: &random) > 0 ? 4...10 : 11...24
        let count = Int.random(in: records ?? drawn, using: &random)
        let isSplit = Int.random(in: 0..<5, using: &random) == 0
        let split = isSplit ? Int.random(in: 1..<count, using: &random) : count
        idsByQuery =
            split == count ? ["all": Array(1...count)] : ["low": Array(1...split), "high": Array(split + 1...count)]
        let refused = poisonCount ?? (Int.random(in: 0..<3, using: &random) == 0 ? 1...3 : 0...0)
        poisoned = Set(
            (0..<Int.random(in: refused, using: &random)).map { _ in Int.random(in: 1...count, using: &random) }
        )
        mending =
            poisoned.isEmpty || poisonCount != nil
            ? .none : [.none, .redrive, .amendment].randomElement(using: &random) ?? .none
        buckets = isLong ? 1 : [1, 1, 2, 3, 4].randomElement(using: &random) ?? 1
        batch = isLong ? 2 : [2, 3, 4, 5, 6, 8].randomElement(using: &random) ?? 2
        executors = [1, 1, 2, 3, 4].randomElement(using: &random) ?? 1
        pace = Int.random(in: 0..<8, using: &random) == 0 ? [20, 100, 1000].randomElement(using: &random) : nil
        hasWitness = poisonCount == nil && Int.random(in: 0..<3, using: &random) == 0
        isApart = .random(using: &random)
        hasFile = Int.random(in: 0..<3, using: &random) > 0
        keepsStateInFiles = Int.random(in: 0..<30, using: &random) == 0
        stopsAtOnce = mending == .amendment && Bool.random(using: &random)
    }

    /// The names that a record may have in a target: the source's, and with mended SQL another.
    func names(of id: Int) -> [String] {
        let first = poisoned.contains(id) ? Self.poison : "customer \(id)"
        return mending == .amendment ? [first, "mended \(id)"] : [first]
    }

    /// The spec's text.
    ///
    /// - Parameter isAmended: with mended SQL, by which no record is poisoned.
    func spec(source: String, isAmended: Bool = false) -> String {
        let poison = poisoned.sorted().map(String.init).joined(separator: ", ")
        let name =
            isAmended
            ? "'mended ' || id" : "CASE WHEN id IN (\(poison)) THEN '\(Self.poison)' ELSE 'customer ' || id END"
        let queries = idsByQuery.sorted { $0.key < $1.key }.map { query, ids in
            """
              - name: \(query)
                sql: SELECT id, \(name) AS name, score FROM customers WHERE id BETWEEN \(ids[0]) AND \(ids[ids.count - 1]) ORDER BY id
                key: id
            """
        }
        return """
            name: simulation
            source: sqlite:\(source)
            queries:
            \(queries.joined(separator: "\n"))
            buckets: \(buckets)
            batch: \(batch)
            executors: \(executors)
            history-limit: \(Self.historyLimit)
            tolerate: \(mending == .amendment ? 0 : poisoned.count)
            \(stopsAtOnce ? "error-budget: 0" : "")
            \(pace.map { "pace: \($0)/s" } ?? "")
            retry: {initial-interval: 100ms, maximum-interval: 5s, maximum-attempts: 8}
            sinks:
              - table: {database: sqlite:target.sqlite, name: customers, mode: upsert, create: true}
              - table: {database: "sqlite:\(isApart ? "apart" : "target").sqlite", name: \(appendTable), mode: append}
            \(hasFile ? "  - file: {path: out.ndjson}" : "")

            """
    }
}
