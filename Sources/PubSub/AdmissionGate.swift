import Synchronization

/// Lets tasks wait where ``AdmissionMachine`` says so: lock, ask, unlock, then resume.
final class AdmissionGate: Sendable {
    private struct State {
        var machine: AdmissionMachine
        var nextID = 1
        var waiters: [Int: CheckedContinuation<Void, any Error>] = [:]
        var closed: (any Error)?
        var emptied: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(messageLimit: Int, byteLimit: Int) {
        state = Mutex(State(machine: AdmissionMachine(messageLimit: messageLimit, byteLimit: byteLimit)))
    }

    /// Waits for room and for the key's turn.
    ///
    /// - Returns: what to hand to ``leave(_:)``.
    /// - Throws: `CancellationError` when the task is cancelled while it waits, or the reason given to ``close(_:)``.
    func enter(key: String, messages: Int, bytes: Int) async throws -> Int {
        let id = try state.withLock { state in
            if let closed = state.closed { throw closed }
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let answer: Result<Void, any Error>? = state.withLock { state in
                    if let closed = state.closed { return .failure(closed) }
                    // Cancelled before the handler could find a waiter: leave without entering.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    let entry = AdmissionMachine.Entry(id: id, key: key, messages: messages, bytes: bytes)
                    if state.machine.enter(entry) { return .success(()) }
                    state.waiters[id] = continuation
                    return nil
                }
                if let answer { continuation.resume(with: answer) }
            }
        } onCancel: {
            withdraw(id)
        }
        return id
    }

    /// Makes room again.
    func leave(_ id: Int) {
        let (admitted, emptied) = state.withLock { state in
            let admitted = state.machine.leave(id).compactMap { state.waiters.removeValue(forKey: $0) }
            guard state.machine.isEmpty else { return (admitted, [CheckedContinuation<Void, Never>]()) }
            defer { state.emptied = [] }
            return (admitted, state.emptied)
        }
        for waiter in admitted { waiter.resume() }
        for waiter in emptied { waiter.resume() }
    }

    /// Refuses all who come and all who wait, with `reason`, and returns when the last one inside has left.
    func close(_ reason: any Error) async {
        let refused = state.withLock { state in
            state.closed = reason
            var refused: [CheckedContinuation<Void, any Error>] = []
            for id in state.machine.waitingIDs {
                // One that is let in by another one leaving is in the list too, and leaves in its turn.
                _ = state.machine.leave(id)
                if let waiter = state.waiters.removeValue(forKey: id) { refused.append(waiter) }
            }
            return refused
        }
        for waiter in refused { waiter.resume(throwing: reason) }
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if !state.machine.isEmpty { state.emptied.append(continuation) }
                return state.machine.isEmpty
            }
            if isEmpty { continuation.resume() }
        }
    }

    private func withdraw(_ id: Int) {
        let (withdrawn, admitted) = state.withLock { state in
            guard let waiter = state.waiters.removeValue(forKey: id) else {
                return (nil as CheckedContinuation<Void, any Error>?, [CheckedContinuation<Void, any Error>]())
            }
            return (waiter, state.machine.leave(id).compactMap { state.waiters.removeValue(forKey: $0) })
        }
        withdrawn?.resume(throwing: CancellationError())
        for waiter in admitted { waiter.resume() }
    }
}
