import PubSub
import Synchronization

/// One life of a simulated process: counts the moments around its writes and ends it at one of them. From then on every write fails,
/// so nothing that is still under way leaves a trace, as if the process were gone.
final class Life: Sendable {
    /// The process is dead; the error only carries the news out of whatever was under way.
    struct Death: SubscriptionUnavailable, CustomStringConvertible {
        var moment: String
        var description: String { "the process died \(moment)" }
    }

    private struct State {
        var momentsLeft: Int?
        var diedAt: String?
    }

    private let state: Mutex<State>

    /// - Parameter moments: how many moments it lasts; nil for ever.
    init(moments: Int?) { state = Mutex(State(momentsLeft: moments)) }

    /// Where it ended; nil while it lasts.
    var diedAt: String? { state.withLock(\.diedAt) }

    /// Passes a moment, or dies there.
    func pass(_ moment: String) throws {
        let diedAt = state.withLock { state in
            if state.diedAt == nil, let left = state.momentsLeft {
                state.momentsLeft = left - 1
                if left <= 1 { state.diedAt = moment }
            }
            return state.diedAt
        }
        if let diedAt { throw Death(moment: diedAt) }
    }
}
