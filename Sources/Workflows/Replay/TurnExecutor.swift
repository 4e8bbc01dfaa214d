import Foundation
import Synchronization

/// Runs a workflow's jobs one by one, in the order they came, only while somebody drains it.
final class TurnExecutor: TaskExecutor {
    private struct State {
        var queue: [UnownedJob] = []
        var head = 0
        var drainingThread: pthread_t?
        var foreignJobs: [UnownedJob] = []
        var isReleased = false
    }

    private let state = Mutex(State())
    private let onForeignJob: @Sendable () -> Void

    /// `onForeignJob` is called when a job arrives from outside a turn: the workflow awaited something that is not its context's.
    init(onForeignJob: @escaping @Sendable () -> Void) { self.onForeignJob = onForeignJob }

    func enqueue(_ job: consuming ExecutorJob) {
        enum Arrival { case queued, foreign, afterRelease }
        let job = UnownedJob(job)
        let arrival: Arrival = state.withLock { state in
            if state.drainingThread == pthread_self() {
                state.queue.append(job)
                return .queued
            }
            if state.isReleased { return .afterRelease }
            state.foreignJobs.append(job)
            return .foreign
        }
        switch arrival {
        case .queued: break
        case .foreign: onForeignJob()
        case .afterRelease:
            // Nobody drains any more; the job only unwinds, so its order no longer matters.
            DispatchQueue.global().async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        }
    }

    /// Whether the calling thread is draining, that is, whether the caller is workflow code in its turn.
    var isDrainingHere: Bool { state.withLock { $0.drainingThread == pthread_self() } }

    /// Makes `body`, on this thread, the only one that may enqueue.
    func turn<Result>(_ body: () throws -> Result) rethrows -> Result {
        state.withLock { $0.drainingThread = pthread_self() }
        defer { state.withLock { $0.drainingThread = nil } }
        return try body()
    }

    /// Runs what is queued, and what that queues, within a ``turn(_:)``. Returns false when `budget` jobs were not enough.
    func drain(budget: inout Int) -> Bool {
        while let job = next() {
            guard budget > 0 else {
                state.withLock { $0.head -= 1 }
                return false
            }
            budget -= 1
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
        return true
    }

    /// From now on jobs of other threads are let run, so that the workflow's tasks can unwind and end.
    func release() {
        state.withLock { state in
            state.isReleased = true
            state.queue.append(contentsOf: state.foreignJobs)
            state.foreignJobs = []
        }
    }

    private func next() -> UnownedJob? {
        state.withLock { state in
            guard state.head < state.queue.count else {
                state.queue.removeAll(keepingCapacity: true)
                state.head = 0
                return nil
            }
            defer { state.head += 1 }
            return state.queue[state.head]
        }
    }
}
