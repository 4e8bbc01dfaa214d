#if Temporal
import DequeModule
import Synchronization

/// So many places, which work takes before it begins and gives back when it ends.
final class Slots: Sendable {
    private struct State {
        var free: Int
        var waiting: Deque<(id: Int, CheckedContinuation<Bool, Never>)> = []
        var lastID = 0
    }

    private let state: Mutex<State>

    init(_ count: Int) { state = Mutex(State(free: max(1, count))) }

    /// Takes a place when one is free.
    func tryTake() -> Bool {
        state.withLock { state in
            guard state.free > 0 else { return false }
            state.free -= 1
            return true
        }
    }

    /// Waits for a place; false when the task was cancelled first.
    func take() async -> Bool {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    if Task.isCancelled { return false }
                    if state.free > 0 {
                        state.free -= 1
                        return true
                    }
                    state.waiting.append((id, continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0).1 }
            }
            continuation?.resume(returning: false)
        }
    }

    func giveBack() {
        let next = state.withLock { state in
            if let next = state.waiting.popFirst() { return next.1 as CheckedContinuation<Bool, Never>? }
            state.free += 1
            return nil
        }
        next?.resume(returning: true)
    }
}
#endif
