public import Workflows

/// What a person wants to know first about a run: is somebody at work on it, and what can be done now.
public enum RunStanding: Sendable, Equatable {
    /// A live process, or a cluster's workers, work on it.
    case working(ExecutionOwner)
    /// Its orchestrator is open, and its process is gone.
    case interrupted
    /// Complete.
    case complete
    /// The orchestrator has reported: something is left.
    case incomplete
    /// Somebody cancelled it.
    case cancelled

    /// Finds out from the store and the engine.
    public static func of(_ progress: RunProgress, client: any WorkflowClient) async throws -> RunStanding {
        switch progress.state {
        case .complete: return .complete
        case .incomplete: return .incomplete
        case .cancelled: return .cancelled
        case .running:
            guard let execution = try await client.describe(progress.runID.rawValue), execution.status == .running
            else {
                return .interrupted
            }
            return execution.owner.isAlive ? .working(execution.owner) : .interrupted
        }
    }

    /// That of a run whose orchestrator has reported.
    init(_ state: RunState) {
        switch state {
        case .complete: self = .complete
        case .cancelled: self = .cancelled
        case .running, .incomplete: self = .incomplete
        }
    }

    /// One word for tables and JSON.
    public var word: String {
        switch self {
        case .working: "running"
        case .interrupted: "interrupted"
        case .complete: "complete"
        case .incomplete: "incomplete"
        case .cancelled: "cancelled"
        }
    }
}
