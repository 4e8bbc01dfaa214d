import SQLConnectors
public import Workflows

/// Stages a query's rows. Only the place and the counts travel in the history (claim check).
public struct RunQuery: Activity {
    let runtime: BackfillRuntime

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
        let staged: StagedResult
        if let known = query.staged {
            staged = known
        } else {
            let workspace = try await runtime.workspace(of: query.runID)
            try await store.noteExtracting(queryID, records: 0)
            let report = progressReporter(queryID, context)
            let fresh = try await workspace.stage(query) { records in
                report(records)
            }
            staged = try await store.store(fresh, for: queryID)
        }
        return Output(
            recordCount: staged.recordCount,
            byteCount: staged.fileSize,
            place: "results/\(staged.fileName)"
        )
    }

    /// Tells the engine that the attempt lives, and `stats` how far it is. Both are news, not results: one that is lost is made up
    /// for by the next.
    private func progressReporter(_ queryID: QueryID, _ context: ActivityContext) -> @Sendable (Int64) -> Void {
        let store = runtime.store
        return { records in
            try? context.heartbeat(records)
            Task { try? await store.noteExtracting(queryID, records: records) }
        }
    }
}
