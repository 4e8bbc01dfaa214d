import Dispatch
import Synchronization

/// One writer for many who write at once: whatever waits is committed together, and while that is under way the next group gathers.
///
/// Commits cost the same for one batch as for eight; so the more executors wait, the fewer commits each batch pays for.
public final class GroupCommitter<Item: Sendable, Outcome: Sendable>: Sendable {
    private struct Waiting {
        var item: Item
        var continuation: CheckedContinuation<Outcome, any Error>
    }

    private struct State {
        var waiting: [Waiting] = []
        var isWriting = false
    }

    private let queue: DispatchQueue
    private let largestGroup: Int
    private let commit: @Sendable ([Item]) -> [Result<Outcome, any Error>]
    private let state = Mutex(State())

    /// - Parameters:
    ///   - label: names the writer's thread.
    ///   - largestGroup: at most so many items per commit.
    ///   - commit: makes the items durable in one transaction and answers for each, in their order. It is never called twice at once,
    ///     and may block: it has a thread of its own.
    public init(
        label: String,
        largestGroup: Int = 64,
        commit: @escaping @Sendable ([Item]) -> [Result<Outcome, any Error>]
    ) {
        queue = DispatchQueue(label: label)
        self.largestGroup = largestGroup
        self.commit = commit
    }

    /// Hands an item to the writer and waits until its group is committed.
    public func submit(_ item: Item) async throws -> Outcome {
        try await withCheckedThrowingContinuation { continuation in
            let mustStart = state.withLock { state in
                state.waiting.append(Waiting(item: item, continuation: continuation))
                guard !state.isWriting else { return false }
                state.isWriting = true
                return true
            }
            if mustStart { queue.async { self.writeAll() } }
        }
    }

    /// Runs `body` on the writer's thread, after what is being written.
    public func afterWriting(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            queue.async {
                body()
                continuation.resume()
            }
        }
    }

    /// Commits group after group until nothing waits.
    private func writeAll() {
        while let group = nextGroup() {
            let outcomes = commit(group.map(\.item))
            precondition(outcomes.count == group.count, "every item needs an answer, or its submitter waits for ever")
            for (waiting, outcome) in zip(group, outcomes) { waiting.continuation.resume(with: outcome) }
        }
    }

    private func nextGroup() -> [Waiting]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isWriting = false
                return nil
            }
            let group = Array(state.waiting.prefix(largestGroup))
            state.waiting.removeFirst(group.count)
            return group
        }
    }
}
