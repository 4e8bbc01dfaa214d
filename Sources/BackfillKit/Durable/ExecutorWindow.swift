import Synchronization

/// How many executors and queries are at work in one orchestrator, against their limits.
///
/// Workflow code of one execution runs on one thread at a time; the lock only proves that to the compiler.
final class ExecutorWindow: Sendable {
    private struct Open {
        var executors = 0
        var queriesByLane: [String: Int] = [:]
    }

    private let executorLimit: Int
    private let laneLimits: [String: Int]
    private let open = Mutex(Open())

    init(executors: Int, lanes: [String: Int]) {
        executorLimit = executors
        laneLimits = lanes
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
