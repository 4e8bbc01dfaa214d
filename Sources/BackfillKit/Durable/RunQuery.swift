import Logging
import SQLConnectors
public import Workflows

/// Stages a query's rows, or cuts them at the source. Only the place and the counts travel in the history (claim check).
public struct RunQuery: Activity {
    let runtime: BackfillRuntime

    /// A result that is half staged is staged anew.
    public static var isCutShortByShutdown: Bool { true }

    /// What the history keeps of a staged result.
    public struct Output: Codable, Sendable {
        /// Records staged.
        public var recordCount: Int64
        /// Bytes of the staged file.
        public var byteCount: Int64
        /// File name below the state folder.
        public var place: String
    }

    /// Safe to repeat: a result that was stored is not staged again.
    public func run(_ queryID: QueryID, in context: ActivityContext) async throws -> Output {
        let store = runtime.store
        guard let query = try await store.query(queryID) else { throw PlanLost(queryID: queryID, bucket: 0) }
        if let known = query.direct { return Output(direct: known) }
        let staged: StagedResult
        if let known = query.staged {
            staged = known
        } else {
            let workspace = try await runtime.workspace(of: query.runID)
            let logger = runtime.logger(run: query.runID)
            if workspace.isDirect(query) { return Output(direct: try await cut(query, workspace, context)) }
            logger.debug("staging \(query.name)", metadata: LogMetadata.step(context, queryID))
            try await store.noteExtracting(queryID, records: 0)
            do {
                let fresh = try await workspace.stage(query) { context.tell(store, extracted: $0, of: queryID) }
                staged = try await store.store(fresh, for: queryID)
            } catch {
                // Another attempt may have been first, and has removed what this one was at.
                guard let first = try? await store.query(queryID)?.staged else { throw error }
                staged = first
            }
            logger.info(
                "staged \(query.name): \(staged.recordCount) records",
                metadata: LogMetadata.step(context, queryID)
            )
        }
        if runtime.fleet != nil { try await runtime.results.removeOthers(of: queryID, than: staged) }
        return Output(
            recordCount: staged.recordCount,
            byteCount: staged.fileSize,
            place: "results/\(staged.fileName)"
        )
    }

    /// Cuts a query that is read directly, and freezes its plan: nothing else is kept of what was read.
    private func cut(_ query: StoredQuery, _ workspace: RunWorkspace, _ context: ActivityContext) async throws
        -> DirectResult
    {
        let (store, queryID) = (runtime.store, query.queryID)
        try await store.noteExtracting(queryID, records: 0)
        let cut = try await workspace.cut(query) { context.tell(store, extracted: $0, of: queryID) }
        let direct = DirectResult(recordCount: cut.recordCount, schema: cut.schema)
        _ = try await store.freeze(.byKeys(cut), for: queryID, direct: direct)
        runtime.logger(run: query.runID).info(
            "cut \(query.name) at the source: \(cut.recordCount) records",
            metadata: LogMetadata.step(context, queryID)
        )
        return direct
    }
}

extension RunQuery.Output {
    /// Nothing was staged.
    fileprivate init(direct: DirectResult) {
        self.init(recordCount: direct.recordCount, byteCount: 0, place: "source")
    }
}

/// Stages all queries of a run that are not staged yet in one snapshot of the source, so that they see the same instant.
///
/// Results are stored together. A crash in between begins anew with a later instant, which is again the same for all.
public struct StageTogether: Activity {
    let runtime: BackfillRuntime

    /// Results that are half staged are staged anew.
    public static var isCutShortByShutdown: Bool { true }

    /// Safe to repeat.
    ///
    /// - Returns: records staged, of all queries together.
    public func run(_ runID: RunID, in context: ActivityContext) async throws -> Int64 {
        let store = runtime.store
        let queries = try await store.queries(of: runID).filter { $0.staged == nil }
        let workspace = try await runtime.workspace(of: runID)
        let staged = try await workspace.stageTogether(queries) { position, records in
            context.tell(store, extracted: records, of: queries[position].queryID)
        }
        let kept = try await store.store(zip(queries, staged).map { ($0.queryID, $1) })
        for (query, staged) in zip(queries, kept) {
            if runtime.fleet != nil { try await runtime.results.removeOthers(of: query.queryID, than: staged) }
            runtime.logger(run: runID).info(
                "staged \(query.name) with the others: \(staged.recordCount) records",
                metadata: LogMetadata.step(context, query.queryID)
            )
        }
        return kept.reduce(0) { $0 + $1.recordCount }
    }
}

extension ActivityContext {
    /// Tells the engine that the attempt lives, and `stats` how far it is. Both are news, not results: one that is lost is made up
    /// for by the next.
    fileprivate func tell(_ store: RunStore, extracted records: Int64, of query: QueryID) {
        try? heartbeat(records)
        Task { try? await store.noteExtracting(query, records: records) }
    }
}
