import SQLConnectors
public import Workflows

/// Decides how a run has ended, also when something failed: finishes the sinks if all is well.
public struct JudgeRun: Activity {
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
        if let cancelled = try await runtime.store.control(of: input.runID).cancelled {
            return RunOutcome(state: .cancelled, error: "cancelled by \(cancelled.by)")
        }
        if let fault = input.fault { return RunOutcome(state: .incomplete, error: fault) }
        let workspace = try await runtime.workspace(of: input.runID)
        let shortfall = try await RunVerdict.shortfall(
            of: input.runID,
            in: runtime.store,
            spec: workspace.spec
        )
        if let shortfall { return RunOutcome(state: .incomplete, error: shortfall) }
        // A file that cannot take its final name is no reason to lose the report: the run stays incomplete and says why.
        do {
            try await workspace.finishSinks()
        } catch let error as TargetUnavailable where context.info.attempt < Self.attemptsToFinish {
            throw error
        } catch {
            return RunOutcome(state: .incomplete, error: FailureText.line(of: error))
        }
        return RunOutcome(state: .complete)
    }
}
