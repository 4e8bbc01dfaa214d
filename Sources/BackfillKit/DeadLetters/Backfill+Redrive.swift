import SQLConnectors
import Workflows

extension Backfill {
    /// Publishes dead letters again, each to the subscription that refused it, through the same topic, limits and ledgers. One that
    /// arrives leaves the list; one that is refused again stays with the new error.
    ///
    /// - Parameter mended: only these, with the values that a person has changed; nil for those that the filter admits as they are.
    /// - Returns: how many.
    /// - Throws: ``RunRefused`` when the run is at work or has no such dead letters; ``SQLConnectors/SinkError`` when the sink takes nothing
    ///   more.
    public func redrive(_ filter: DeadLetterFilter, of runID: RunID, mended: [DeadLetterLine]? = nil) async throws
        -> Int
    {
        let run = try await requireIdle(runID)
        var letters = try await store.deadLetters(of: runID, filter)
        var changes: [DeadLetterKey: DeadLetterLine] = [:]
        if let mended {
            let known = Dictionary(letters.map { (DeadLetterKey($0), $0) }, uniquingKeysWith: { first, _ in first })
            for line in mended {
                let key = DeadLetterKey(query: line.queryID, ordinal: line.ordinal, subscription: line.subscription)
                guard known[key] != nil else { throw RunRefused.noSuchDeadLetter(key, run: runID) }
                changes[key] = line
            }
            letters = letters.filter { changes[DeadLetterKey($0)] != nil }
        }
        guard !letters.isEmpty else { throw RunRefused.noDeadLetters(run: runID) }
        letters = try await store.settled(letters, of: runID)
        guard !letters.isEmpty else { throw RunRefused.notSettled(run: runID) }
        let spec = try await runtime.spec(of: run)
        var derived: [DerivedQuery] = []
        for (subscription, queryID) in letters.map({ ($0.subscription, $0.queryID) }).uniqued {
            let underWay = try await store.underWay(of: queryID, to: subscription)
            let group = letters.filter {
                $0.subscription == subscription && $0.queryID == queryID && !underWay.contains($0.ordinal)
            }
            guard !group.isEmpty, let origin = try await store.query(queryID), let schema = origin.schema else {
                continue
            }
            try await requireSubscription(subscription, schema: schema, spec, run: runID)
            try await runtime.verify(origin)
            var replacing: [Int64: [Int: Value]] = [:]
            for letter in group {
                replacing[letter.ordinal] = try changes[DeadLetterKey(letter)]?.changes(to: letter, schema)
            }
            let offset = derived.count { $0.query.originID == queryID }
            derived.append(
                try await derive(.redrive, from: origin, group.map(\.ordinal), to: subscription, after: offset) {
                    [replacing] fileName in
                    if origin.direct == nil {
                        return try await stage(group.map(\.ordinal), of: origin, replacing, as: fileName)
                    }
                    return try await readAgain(group, of: origin, replacing, spec, as: fileName)
                }
            )
        }
        let count = derived.reduce(0) { $0 + $1.origins.count }
        guard count > 0 else { throw RunRefused.underWay(run: runID) }
        let text = "\(count) dead \(count == 1 ? "letter is" : "letters are") published again"
        try await store.create(derived, of: run, noting: "redrive", text)
        try await begin(run, pass: run.pass + 1, only: nil, queries: derived.map(\.query.queryID))
        return count
    }

    /// Stages records of a query again, as a query of their own that only one subscription gets.
    ///
    /// - Parameters:
    ///   - offset: how many of the kind and origin were derived before it and are not stored yet.
    ///   - stage: makes the result of the records with the ordinals, in their order.
    func derive(
        _ kind: QueryKind,
        from origin: StoredQuery,
        _ ordinals: [Int64],
        to subscription: String,
        after offset: Int,
        staging stage: (_ fileName: String) async throws -> StagedResult
    ) async throws -> DerivedQuery {
        let queryID = QueryID.make(milliseconds: store.nowMilliseconds, random: .random(in: 0...UInt64.max))
        let result = try await stage("\(queryID).sqlite")
        let earlier = try await store.queries(of: origin.runID).count {
            $0.originID == origin.queryID && $0.kind == kind
        }
        let query = StoredQuery(
            queryID: queryID,
            runID: origin.runID,
            name: "\(origin.name).\(kind.rawValue)-\(earlier + 1 + offset)",
            position: origin.position,
            lane: origin.lane,
            sql: origin.sql,
            state: .pending,
            kind: kind,
            originID: origin.queryID,
            subscription: subscription
        )
        return DerivedQuery(query: query, staged: result, origins: ordinals.sorted())
    }

    /// Stages records of a staged result once more.
    func stage(
        _ ordinals: [Int64],
        of origin: StoredQuery,
        _ replacing: [Int64: [Int: Value]] = [:],
        as fileName: String
    )
        async throws -> StagedResult
    {
        guard let staged = origin.staged else { throw PlanLost(queryID: origin.queryID, bucket: 0) }
        try await runtime.results.require(staged)
        let again = try await StagedSelection(from: staged, in: runtime.results.folder)
            .take(ordinals, replacing: replacing, as: fileName)
        return try await runtime.results.shared(again)
    }

    /// Stages records that were read directly: as they are at the source now, found by their keys.
    private func readAgain(
        _ letters: [StoredDeadLetter],
        of origin: StoredQuery,
        _ replacing: [Int64: [Int: Value]],
        _ spec: BackfillSpec,
        as fileName: String
    ) async throws -> StagedResult {
        let source = try spec.openSource(session: "backfill redrive \(origin.runID)")
        guard let source = source as? any DirectSource, let schema = origin.schema else {
            throw PlanLost(queryID: origin.queryID, bucket: 0)
        }
        let query = try spec.sourceQuery(for: origin)
        var records: [RecordBatch] = []
        var changes: [Int: [Int: Value]] = [:]
        for letter in letters.sorted(by: { $0.ordinal < $1.ordinal }) {
            guard let record = try await source.find(query, recordID: letter.recordID) else {
                throw RunRefused.gone(letter.recordID, query.name, run: origin.runID)
            }
            guard record.schema.columns.map(\.name) == schema.columns.map(\.name) else {
                throw RunRefused.otherColumns(query.name, run: origin.runID)
            }
            changes[records.count] = replacing[letter.ordinal]
            records.append(record)
        }
        let again = try await StagedRecords(records, replacing: changes)
            .write(schema, as: fileName, in: runtime.results.folder)
        return try await runtime.results.shared(again)
    }

    /// - Throws: ``RunRefused`` when somebody works on the run, or it was cut off in the middle.
    package func requireIdle(_ runID: RunID) async throws -> StoredRun {
        let run = try await known(runID)
        if run.state == .cancelled { throw RunRefused.cancelled(run: runID) }
        guard let description = try await client.describe(runID.rawValue), description.status == .running else {
            return run
        }
        if description.owner.isAlive {
            throw RunRefused.working(run: runID, by: description.owner)
        }
        throw RunRefused.interruptedFirst(run: runID)
    }

    private func requireSubscription(_ name: String, schema: RecordSchema, _ spec: BackfillSpec, run: RunID)
        async throws
    {
        if let sink = try spec.makeSinks(for: run).first(where: { $0.name == name }) {
            try await sink.check(schema)
            await sink.close()
        } else if runtime.subscribers[name] == nil {
            throw RunRefused.noSuchSubscription(name, known: spec.sinks.subscriptionNames)
        }
    }
}

/// Records of a query that are published again, before they are stored.
struct DerivedQuery: Sendable {
    var query: StoredQuery
    var staged: StagedResult
    /// The ordinal in the origin of each record.
    var origins: [Int64]
}

/// Names a dead letter.
struct DeadLetterKey: Hashable {
    var query: QueryID
    var ordinal: Int64
    var subscription: String

    init(query: QueryID, ordinal: Int64, subscription: String) {
        self.query = query
        self.ordinal = ordinal
        self.subscription = subscription
    }

    init(_ letter: StoredDeadLetter) {
        self.init(query: letter.queryID, ordinal: letter.ordinal, subscription: letter.subscription)
    }
}

extension Array where Element == (String, QueryID) {
    /// Each pair once, in the order of its first occurrence.
    fileprivate var uniqued: [Element] {
        var seen: Set<String> = []
        return filter { seen.insert("\($0.1)/\($0.0)").inserted }
    }
}
