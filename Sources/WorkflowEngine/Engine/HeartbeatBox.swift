import Synchronization
import Workflows

/// The last details that an activity gave, handed from its task to the engine without waiting.
final class HeartbeatBox: Sendable {
    private struct State {
        var details: Payload?
        var isAnnounced = false
    }

    private let state: Mutex<State>

    init(_ details: Payload?) { state = Mutex(State(details: details)) }

    var details: Payload? { state.withLock { $0.details } }

    /// Keeps the details; empty ones leave the last ones standing.
    ///
    /// - Returns: whether the engine has to be told; it is told once for all that come before it looks.
    func put(_ details: Payload) -> Bool {
        state.withLock { state in
            if !details.bytes.isEmpty { state.details = details }
            defer { state.isAnnounced = true }
            return !state.isAnnounced
        }
    }

    /// The engine looks.
    func take() -> Payload? {
        state.withLock { state in
            state.isAnnounced = false
            return state.details
        }
    }
}
