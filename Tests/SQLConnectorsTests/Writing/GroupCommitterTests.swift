import Dispatch
import Synchronization
import Testing

@testable import SQLConnectors

@Suite("What waits is committed together, and each submitter gets its own answer")
struct GroupCommitterTests {
    /// A commit that stands still until it is let go, and notes its groups.
    private final class Gate: Sendable {
        let groups = Mutex<[[Int]]>([])
        /// Held by the writer's own thread, never by a cooperative one.
        let opening = DispatchSemaphore(value: 0)
        let began: AsyncStream<Void>
        private let beginning: AsyncStream<Void>.Continuation

        init() { (began, beginning) = AsyncStream.makeStream() }

        func pass(_ group: [Int]) {
            groups.withLock { $0.append(group) }
            beginning.yield()
            opening.wait()
        }
    }

    /// Timeline:
    ///
    ///     submitters          writer
    ///     0                   commit [0], stands still
    ///     1 2 3 4 5           …
    ///                         let go: commit [1 2 3], commit [4 5]
    @Test("While one group commits, the next gathers, up to the largest group, in the order of arrival")
    func gathering() async throws {
        let gate = Gate()
        let committer = GroupCommitter<Int, Int>(label: "test", largestGroup: 3) { items in
            gate.pass(items)
            return items.map { .success($0 * 10) }
        }
        // An immediate task runs up to its first suspension: when it is made, its item waits at the writer.
        let first = Task.immediate { try await committer.submit(0) }
        var began = gate.began.makeAsyncIterator()
        await began.next()
        let others = (1...5).map { item in Task.immediate { try await committer.submit(item) } }
        // Enough even for groups of one, so that a wrong grouping fails instead of standing still.
        for _ in 0..<6 { gate.opening.signal() }
        #expect(try await first.value == 0)
        for (index, other) in others.enumerated() { #expect(try await other.value == (index + 1) * 10) }
        #expect(gate.groups.withLock { $0 } == [[0], [1, 2, 3], [4, 5]])
    }

    private struct Odd: Error, Equatable { var item: Int }

    @Test("A failure is its submitter's alone, and later items are taken")
    func failures() async throws {
        let committer = GroupCommitter<Int, Int>(label: "test") { items in
            items.map { $0.isMultiple(of: 2) ? .success($0) : .failure(Odd(item: $0)) }
        }
        for item in 0..<20 {
            if item.isMultiple(of: 2) {
                #expect(try await committer.submit(item) == item)
            } else {
                await #expect(throws: Odd(item: item)) { try await committer.submit(item) }
            }
        }
    }

    @Test("Every one of many submitters is answered, and no two commits run at once")
    func manySubmitters() async throws {
        let isCommitting = Shared(false)
        let overlaps = Shared(0)
        let taken = Shared<[Int]>([])
        let committer = GroupCommitter<Int, Int>(label: "test", largestGroup: 8) { items in
            let another = isCommitting.value.withLock { isCommitting in
                defer { isCommitting = true }
                return isCommitting
            }
            if another { overlaps.value.withLock { $0 += 1 } }
            taken.value.withLock { $0 += items }
            isCommitting.value.withLock { $0 = false }
            return items.map { .success($0) }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for item in 0..<2000 {
                group.addTask {
                    let answer = try await committer.submit(item)
                    #expect(answer == item)
                }
            }
            try await group.waitForAll()
        }
        #expect(taken.value.withLock { $0.sorted() } == Array(0..<2000))
        #expect(overlaps.value.withLock { $0 } == 0)
    }

    @Test("What is run after writing is run when all that came before is committed")
    func afterWriting() async throws {
        let taken = Shared<[Int]>([])
        let committer = GroupCommitter<Int, Void>(label: "test") { items in
            taken.value.withLock { $0 += items }
            return items.map { _ in .success(()) }
        }
        let submissions = (0..<10).map { item in Task.immediate { try await committer.submit(item) } }
        let seen = Shared<[Int]>([])
        await committer.afterWriting {
            let items = taken.value.withLock { $0 }
            seen.value.withLock { $0 = items }
        }
        for submission in submissions { try await submission.value }
        #expect(seen.value.withLock { $0 } == Array(0..<10))
    }
}

/// A value that a writer's thread and a test both see.
private final class Shared<Value: Sendable>: Sendable {
    let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
}
