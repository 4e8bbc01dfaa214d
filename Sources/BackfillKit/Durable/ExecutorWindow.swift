import Synchronization

/// How many executors and queries are at work in one orchestrator, against their limits.
///
/// Lanes share the executors: while a lane has work, an even part of the places is kept for it, so that no lane waits for another's
/// buckets to end; what it does not need the others take.
///
/// Workflow code of one execution runs on one thread at a time; the lock only proves that to the compiler.
final class ExecutorWindow: Sendable {
    fileprivate struct Open {
        var executorLimit: Int
        var executors = 0
        var executorsByLane: [String: Int] = [:]
        /// Queries that are not closed, at work or waiting for their lane.
        var unfinishedByLane: [String: Int] = [:]
        var queriesByLane: [String: Int] = [:]
        var isHandingOver = false
        var isStopping = false
    }

    /// Events that an open executor may still cost its orchestrator: two turns, its own end, and an activity when that is a failure.
    private static let eventsPerExecutor = 6
    /// Queries without a lane share one; no lane of a spec has this name.
    private static let noLane = ""

    private let laneLimits: [String: Int]
    private let open: Mutex<Open>

    /// - Parameter queries: the lane of each query that is not closed.
    init(executors: Int, lanes: [String: Int], queries: [String?]) {
        laneLimits = lanes
        var start = Open(executorLimit: executors)
        for lane in queries { start.unfinishedByLane[lane ?? Self.noLane, default: 0] += 1 }
        open = Mutex(start)
    }

    /// Whether this execution starts no more executors, so that what is open can end within its history limit.
    var isHandingOver: Bool { open.withLock { $0.isHandingOver } }

    /// Whether nothing more is started because the run is being stopped.
    var isStopping: Bool { open.withLock { $0.isStopping } }

    /// Whether nothing more is started, for whichever reason.
    var isClosing: Bool { open.withLock { $0.isStopping || $0.isHandingOver } }

    func stop() { open.withLock { $0.isStopping = true } }

    /// How many executors may be open at once.
    var executorLimit: Int { open.withLock { $0.executorLimit } }

    func change(executors: Int) { open.withLock { $0.executorLimit = executors } }

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

    func hasRoomForExecutor(inLane lane: String?) -> Bool { open.withLock { $0.hasRoom(inLane: lane ?? Self.noLane) } }

    /// Takes a place for an executor if there is one.
    func takeExecutor(inLane lane: String?) -> Bool {
        open.withLock { open in
            let lane = lane ?? Self.noLane
            guard open.hasRoom(inLane: lane) else { return false }
            open.executors += 1
            open.executorsByLane[lane, default: 0] += 1
            return true
        }
    }

    func leaveExecutor(inLane lane: String?) {
        open.withLock { open in
            open.executors -= 1
            open.executorsByLane[lane ?? Self.noLane, default: 0] -= 1
        }
    }

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

    /// A query is through: the next one of its lane may begin, and a lane without queries needs no executors any more.
    func leaveLane(_ lane: String?) {
        open.withLock { open in
            if let lane, laneLimits[lane] != nil { open.queriesByLane[lane, default: 0] -= 1 }
            open.unfinishedByLane[lane ?? Self.noLane, default: 0] -= 1
        }
    }
}

extension ExecutorWindow.Open {
    /// Whether a lane may have one more executor and leave the others what is kept for them.
    fileprivate func hasRoom(inLane lane: String) -> Bool {
        guard executors < executorLimit else { return false }
        let busy = unfinishedByLane.filter { $0.value > 0 }.keys
        let share = executorLimit / max(1, busy.count)
        let kept = busy.filter { $0 != lane }.reduce(0) { $0 + max(0, share - executorsByLane[$1, default: 0]) }
        // A sum does not depend on the order of a dictionary, so this is the same in every replay.
        return executorLimit - executors > kept
    }
}
