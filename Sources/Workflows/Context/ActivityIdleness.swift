import Synchronization

/// Whether an attempt only waits, as its engine asks when it shuts down.
package final class ActivityIdleness: Sendable {
    private struct State {
        var idle = 0
        var isShuttingDown = false
    }

    private let state = Mutex(State())

    package init() {}

    /// Begins a wait.
    ///
    /// - Throws: `CancellationError` when the engine is shutting down already.
    func enter() throws {
        try state.withLock { state in
            if state.isShuttingDown { throw CancellationError() }
            state.idle += 1
        }
    }

    func leave() { state.withLock { $0.idle -= 1 } }

    /// From now on no wait begins.
    ///
    /// - Returns: whether the attempt is in a wait, and can be cancelled.
    package func shutDown() -> Bool {
        state.withLock { state in
            state.isShuttingDown = true
            return state.idle > 0
        }
    }
}
