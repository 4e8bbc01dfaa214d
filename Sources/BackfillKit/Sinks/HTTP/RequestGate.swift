import DequeModule
import Synchronization

/// Lets at most so many requests be under way, first come first served, and none as long as the server wants to be left alone.
final class RequestGate: Sendable {
    private struct State {
        var free: Int
        var waiting: Deque<(number: Int, continuation: CheckedContinuation<Void, any Error>)> = []
        var arrivals = 0
        var closedUntil: Duration?
    }

    private let state: Mutex<State>
    private let time: SinkTime

    init(limit: Int, time: SinkTime) {
        state = Mutex(State(free: max(1, limit)))
        self.time = time
    }

    /// Requests that may be sent now, as far as their number goes.
    var free: Int { state.withLock(\.free) }
    /// Requests that wait for another one's end.
    var waiting: Int { state.withLock(\.waiting.count) }

    /// Returns when a request may be sent; ``leave()`` has to follow.
    ///
    /// - Throws: `CancellationError` as soon as the caller's task is cancelled; nothing has to follow then.
    func enter() async throws {
        try await takePlace()
        do {
            // The server may have asked for more while this one slept.
            while let wait = state.withLock(\.closedUntil).map({ $0 - time.now() }), wait > .zero {
                try await time.sleep(wait)
            }
        } catch {
            leave()
            throw error
        }
    }

    /// The request has its answer, or will have none.
    func leave() {
        let next = state.withLock { state in
            let next = state.waiting.popFirst()
            if next == nil { state.free += 1 }
            return next
        }
        next?.continuation.resume()
    }

    /// Lets nobody in for so long from now.
    ///
    /// - Returns: whether that was news, and not within a wait that was known.
    func close(for wait: Duration) -> Bool {
        let until = time.now() + wait
        return state.withLock { state in
            if let known = state.closedUntil, known >= until { return false }
            let isNews = state.closedUntil.map { $0 <= time.now() } ?? true
            state.closedUntil = until
            return isNews
        }
    }

    private func takePlace() async throws {
        try Task.checkCancellation()
        let number = state.withLock { state in
            state.arrivals += 1
            return state.arrivals
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isFree = state.withLock { state in
                    if state.free > 0 {
                        state.free -= 1
                        return true
                    }
                    state.waiting.append((number, continuation))
                    return false
                }
                if isFree { continuation.resume() }
                // A cancellation before it waited has passed it by.
                if Task.isCancelled { giveUp(number) }
            }
        } onCancel: {
            giveUp(number)
        }
    }

    private func giveUp(_ number: Int) {
        let left = state.withLock { state in
            state.waiting.firstIndex { $0.number == number }.map { state.waiting.remove(at: $0) }
        }
        left?.continuation.resume(throwing: CancellationError())
    }
}
