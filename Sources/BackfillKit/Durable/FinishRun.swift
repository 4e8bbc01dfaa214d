import SQLConnectors
public import Workflows

/// The last step of every run, also when something failed: finishes the sinks if all is well, and writes down how the run ended.
public struct FinishRun: Activity {
    let runtime: BackfillRuntime

    /// How often a target that is unavailable just now is tried, over about a quarter of a minute; the activity's own retries are more.
    private static let attemptsToFinish = 5

    /// The run, and what went wrong outside its queries.
    public struct Input: Codable, Sendable {
        /// The run.
        public var runID: RunID
        /// One line; nil when only queries and buckets decide.
        public var fault: String?
    }

    /// Safe to repeat.
    public func run(_ input: Input, in context: ActivityContext) async throws -> RunOutcome {
        let store = runtime.store
        var verdict: String?
        if let fault = input.fault {
            verdict = fault
        } else {
            let workspace = try await runtime.workspace(of: input.runID)
            verdict = try await RunVerdict.shortfall(of: input.runID, in: store, tolerating: workspace.spec.tolerate)
            if verdict == nil {
                // A file that cannot take its final name is no reason to lose the report: the run stays incomplete and says why.
                do {
                    try await workspace.finishSinks()
                } catch let error as TargetUnavailable where context.info.attempt < Self.attemptsToFinish {
                    throw error
                } catch {
                    verdict = FailureText.line(of: error)
                }
            }
        }
        let state: RunState = verdict == nil ? .complete : .incomplete
        try await store.finish(input.runID, state: state, error: verdict)
        await runtime.close(input.runID)
        return RunOutcome(state: state, error: verdict)
    }
}
