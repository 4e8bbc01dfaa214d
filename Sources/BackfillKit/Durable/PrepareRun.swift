import Logging
public import Workflows

/// Opens the run's source and sinks, checks every query that is not staged yet against them, and says what is left to do.
public struct PrepareRun: Activity {
    let runtime: BackfillRuntime

    /// Safe to repeat: what is prepared stays prepared.
    public func run(_ input: OrchestratorInput, in context: ActivityContext) async throws -> RunOutline {
        let workspace = try await runtime.workspace(of: input.runID)
        let store = runtime.store
        let control = try await store.control(of: input.runID)
        // Of a run that is to end nothing is begun: no query needs to be checked, staged or published.
        let queries = try await store.queries(of: input.runID).filter { query in
            if control.isEnding { return false }
            if let only = input.queries, !only.contains(query.queryID) { return false }
            return query.state != .complete && query.state != .failed && query.kind != .superseded
                || query.queryID == input.only?.queryID
        }
        for query in queries { try await workspace.prepareSinks(for: query) }
        runtime.logger(run: input.runID).info(
            "pass \(input.pass) begins; queries that are left: \(queries.map(\.name).joined(separator: ", "))",
            metadata: LogMetadata.step(context)
        )
        let spec = workspace.spec
        return RunOutline(
            queries: queries.map {
                QueryOutline(queryID: $0.queryID, name: $0.name, lane: $0.lane, isPlanned: $0.bucketCount != nil)
            },
            stagesTogether: spec.isConsistent && queries.contains { $0.staged == nil },
            lanes: spec.lanes.compactMapValues(\.queries),
            executors: control.executors(for: spec),
            hasWindow: !spec.windows.isEmpty,
            isPaused: control.paused != nil
        )
    }
}
