import Foundation
import Logging
public import Workflows

/// Carries out what a person asked of a run at work: keeps it with the run, and tells those who publish.
public struct ApplyControl: Activity {
    let runtime: BackfillRuntime

    /// The run and the command.
    public struct Input: Codable, Sendable {
        /// The run.
        public var runID: RunID
        /// What is asked.
        public var command: ControlCommand
    }

    /// What the orchestrator has to heed.
    public struct Output: Codable, Sendable {
        /// How many executors may be open at once.
        public var executors: Int
        /// Whether nothing more is to be started.
        public var isEnding: Bool

        // As histories have it from before there was more than one reason.
        private enum CodingKeys: String, CodingKey {
            case executors
            case isEnding = "isCancelled"
        }
    }

    /// Safe to repeat.
    public func run(_ input: Input, in context: ActivityContext) async throws -> Output {
        let control = try await runtime.store.apply(input.command, to: input.runID)
        let workspace = try await runtime.workspace(of: input.runID)
        workspace.obey(control)
        runtime.logger(run: input.runID).notice(
            "\(input.command.verb), by \(input.command.request.by)",
            metadata: LogMetadata.step(context)
        )
        return Output(executors: control.executors(for: workspace.spec), isEnding: control.isEnding)
    }
}

/// Looks whether publishing is allowed at this time of day.
public struct AskWindow: Activity {
    let runtime: BackfillRuntime

    /// Seconds until the spec's time window opens; 0 while it is open. What it finds shut is shown in `stats`.
    public func run(_ runID: RunID, in context: ActivityContext) async throws -> Double {
        let workspace = try await runtime.workspace(of: runID)
        let store = runtime.store
        guard case .closed(let until) = TimeWindow.standing(of: workspace.spec.windows, at: store.now()) else {
            workspace.windowOpened()
            return 0
        }
        let text = "time window: opens \(until.formatted(.iso8601))"
        try await store.noteWaiting(text, on: runID)
        runtime.logger(run: runID).info("waiting: \(text)", metadata: LogMetadata.step(context))
        return max(1, until.timeIntervalSince(store.now()))
    }
}
