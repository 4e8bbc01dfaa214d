import Dispatch
import Synchronization

/// Runs blocking work on a thread of its own, one piece at a time, so that no cooperative thread ever waits for a disk or a lock.
final class SerialWorker<State>: Sendable {
    private let queue: DispatchQueue
    private let state: Mutex<State>

    /// - Parameter state: what the work is done on, such as a connection; nobody else touches it.
    init(label: String, _ state: sending State) {
        queue = DispatchQueue(label: label)
        self.state = Mutex(state)
    }

    func run<Result: Sendable>(_ body: @escaping @Sendable (inout State) throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            queue.async {
                continuation.resume(with: Swift.Result { try self.state.withLock { state in try body(&state) } })
            }
        }
    }
}
