import Synchronization

/// How many executors and queries are at work in one orchestrator, against their limits.
///
/// Workflow code of one execution runs on one thread at a time; the lock only proves that to the compiler.
final class ExecutorWindow: Sendable {
    private struct Open {
        var executors = 0
        var queriesByLane: [String: Int] = [:]
        var isHandingOver = false
    }

    /// Events that an open executor may still cost its orchestrator: two turns, its own end, and an activity when that is a failure.
    private static let eventsPerExecutor = 6

    private let executorLimit: Int
    private let laneLimits: [String: Int]
    private let open = Mutex(Open())

    init(executors: Int, lanes: [String: Int]) {
        executorLimit = executors
        laneLimits = lanes
    }

    /// Whether this execution starts no more executors, so that what is open can end within its history limit.
    var isHandingOver: Bool { open.withLock { $0.isHandingOver } }

    /// Decides whether one more executor can be started and waited for; once it cannot, none is.
    ///
    /// The first one always can: an execution that starts none would hand the same work on for ever.
    ///
    /// - Parameter eventsLeft: events before the next execution must begin.
    func handsOver(eventsLeft: Int) -> Bool {
        open.withLock { open in
            if eventsLeft <= 0 || open.executors > 1 && open.executors * Self.eventsPerExecutor > eventsLeft {
                open.isHandingOver = true
            }
            return open.isHandingOver
        }
    }

    var hasRoomForExecutor: Bool { open.withLock { $0.executors < executorLimit } }

    /// Takes a place for an executor if there is one.
    func takeExecutor() -> Bool {
        open.withLock { open in
            guard open.executors < executorLimit else { return false }
            open.executors += 1
            return true
        }
    }

    func leaveExecutor() { open.withLock { $0.executors -= 1 } }

    func hasRoom(inLane lane: String?) -> Bool {
        guard let lane, let limit = laneLimits[lane] else { return true }
        return open.withLock { $0.queriesByLane[lane, default: 0] < limit }
    }

    /// Takes a query's place in its lane if there is one; a query without a lane always finds one.
    func takeLane(_ lane: String?) -> Bool {
        guard let lane, let limit = laneLimits[lane] else { return true }
        return open.withLock { open in
            guard open.queriesByLane[lane, default: 0] < limit else { return false }
            open.queriesByLane[lane, default: 0] += 1
            return true
        }
    }

    func leaveLane(_ lane: String?) {
        guard let lane, laneLimits[lane] != nil else { return }
        open.withLock { $0.queriesByLane[lane, default: 0] -= 1 }
    }
}
