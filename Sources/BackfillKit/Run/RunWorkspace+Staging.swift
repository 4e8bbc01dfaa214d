import Foundation
import SQLConnectors
import Workflows

/// Before the first record is published: sinks are prepared, results staged and cut into buckets.
extension RunWorkspace {
    /// Makes what the sinks need for a query's records, and checks them. Safe to repeat.
    func prepareSinks(for query: StoredQuery) async throws {
        let schema: RecordSchema
        if let known = query.schema {
            schema = known
        } else {
            schema = try await source.check(try spec.sourceQuery(for: query))
        }
        for sink in sinks where query.reaches(sink.name) { try await sink.prepare(schema) }
    }

    /// Stages a query's rows.
    func stage(_ query: StoredQuery, progress: @escaping @Sendable (Int64) -> Void) async throws -> StagedResult {
        let staged = try await source.stage(
            try spec.sourceQuery(for: query),
            as: fileName(of: query),
            in: runtime.results.folder,
            progress: progress
        )
        return try await runtime.results.shared(try await part(of: staged, query))
    }

    private func isPart(_ query: StoredQuery) -> Bool {
        run.canary != nil || query.skips?.isEmpty == false || query.kind == .catchUp
    }

    /// What a query's rows are staged as.
    private func fileName(of query: StoredQuery) -> String { fileName(of: query, ofWhole: isPart(query)) }

    /// Two workers may stage the same query at the same time, when one is taken for dead: each result has a name of its own.
    ///
    /// - Parameter ofWhole: whether only a part of it will be published, which has a name of its own as well.
    private func fileName(of query: StoredQuery, ofWhole: Bool) -> String {
        let unique =
            runtime.fleet != nil
            ? ".\(SortableID.make(milliseconds: store.nowMilliseconds, random: .random(in: 0...UInt64.max)))" : ""
        return "\(query.queryID)\(unique)\(ofWhole ? ".whole" : "").sqlite"
    }

    /// What is left of a result when the records that came before are left out, and only those are taken that the run is bound to.
    private func part(of whole: StagedResult, _ query: StoredQuery) async throws -> StagedResult {
        guard isPart(query) else { return whole }
        let results = runtime.results.folder
        var taken: [StagedSelection.Taken] = []
        var left = run.canary?.limit
        for id in query.skips ?? [] {
            guard let earlier = try await store.query(id) else { continue }
            let subscriptions = earlier.subscription == nil ? sinks.count + runtime.subscribers.count : 1
            guard let records = try await store.taken(of: earlier, subscriptions: subscriptions) else { continue }
            try await runtime.results.require(records.result)
            taken.append(records)
            // What the run itself had published before its SQL was mended counts against its limit.
            if earlier.runID == run.runID { left = left.map { max(0, $0 - records.count) } }
        }
        var only: StagedSelection.Taken?
        if query.kind == .catchUp, let id = query.originID, let origin = try await store.query(id) {
            only = try await store.lagging(query.subscription ?? "", of: origin)
            if let only { try await runtime.results.require(only.result) }
        }
        let keys = run.canary?.keyCount == nil ? nil : try await runtime.results.keys(of: run.runID)
        let part = try await StagedSelection(from: whole, in: results)
            .rest(
                leavingOut: taken,
                within: only,
                onlyKeys: keys,
                limit: left,
                as: fileName(of: query, ofWhole: false)
            )
        try? FileManager.default.removeItem(at: whole.location(in: results))
        try await store.note(
            "part",
            "query \(query.name): \(part.recordCount) of \(whole.recordCount) records are published",
            on: run.runID
        )
        return part
    }

    /// Stages queries so that all see the same instant.
    ///
    /// - Parameter progress: told a query's position and its records so far.
    func stageTogether(
        _ queries: [StoredQuery],
        progress: @escaping @Sendable (_ query: Int, _ records: Int64) -> Void
    ) async throws -> [StagedResult] {
        guard let source = source as? PostgreSQLSource else {
            throw SourceError("`consistent: true` needs a PostgreSQL source. Take it out, or make one query.")
        }
        let named = try queries.map { (try spec.sourceQuery(for: $0), fileName(of: $0)) }
        let staged = try await source.stageTogether(named, in: runtime.results.folder, progress: progress)
        var parts: [StagedResult] = []
        for (query, whole) in zip(queries, staged) {
            parts.append(try await runtime.results.shared(try await part(of: whole, query)))
        }
        return parts
    }

    /// Cuts a staged result as the spec says.
    func plan(_ staged: StagedResult) async throws -> BucketPlan {
        try await runtime.results.require(staged)
        return try await spec.plan(staged, in: runtime.results.folder)
    }
}
