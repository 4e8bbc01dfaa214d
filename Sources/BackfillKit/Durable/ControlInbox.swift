import Synchronization

/// Commands that reached an orchestrator and are not carried out yet.
///
/// Workflow code of one execution runs on one thread at a time; the lock only proves that to the compiler.
final class ControlInbox: Sendable {
    private struct State {
        var waiting: [ControlCommand] = []
        var isAtWork = false
    }

    private let state = Mutex(State())

    func put(_ command: ControlCommand) { state.withLock { $0.waiting.append(command) } }

    var hasCommand: Bool { state.withLock { !$0.waiting.isEmpty } }

    /// Whether every command that came is carried out.
    var isDone: Bool { state.withLock { $0.waiting.isEmpty && !$0.isAtWork } }

    /// Takes the oldest command; ``finish()`` follows.
    func take() -> ControlCommand? {
        state.withLock { state in
            guard !state.waiting.isEmpty else { return nil }
            state.isAtWork = true
            return state.waiting.removeFirst()
        }
    }

    func finish() { state.withLock { $0.isAtWork = false } }
}
