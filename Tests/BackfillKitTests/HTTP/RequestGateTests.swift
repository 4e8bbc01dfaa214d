import Testing

@testable import BackfillKit

@Suite("A gate lets so many in, in turn, and nobody while it is closed")
struct RequestGateTests {
    @Test("At most the limit is inside, whoever comes and goes")
    func limit() async throws {
        let gate = RequestGate(limit: 3, time: SkippingTime().sinkTime)
        let inside = Shared(0)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    try await gate.enter()
                    let count = inside.withLock { inside in
                        inside += 1
                        return inside
                    }
                    await Task.yield()
                    inside.withLock { $0 -= 1 }
                    gate.leave()
                    return count
                }
            }
            for try await count in group { #expect(count <= 3) }
        }
    }

    @Test("Who comes first goes in first")
    func order() async throws {
        let gate = RequestGate(limit: 1, time: SkippingTime().sinkTime)
        try await gate.enter()
        let (entered, continuation) = AsyncStream.makeStream(of: Int.self)
        var waiting: [Task<Void, any Error>] = []
        for number in 1...5 {
            waiting.append(
                Task {
                    try await gate.enter()
                    continuation.yield(number)
                    gate.leave()
                }
            )
            // The next one comes when this one waits.
            while gate.waiting < number { await Task.yield() }
        }
        gate.leave()
        for task in waiting { try await task.value }
        continuation.finish()
        #expect(await entered.reduce(into: []) { $0.append($1) } == [1, 2, 3, 4, 5])
    }

    @Test(
        "While it is closed everybody waits, also for what is asked meanwhile; only what goes beyond the known is news"
    )
    func closed() async throws {
        let time = SkippingTime()
        let gate = RequestGate(limit: 2, time: time.sinkTime)
        #expect(gate.close(for: .seconds(10)))
        #expect(!gate.close(for: .seconds(5)))
        #expect(!gate.close(for: .seconds(20)), "longer, but somebody has told of it already")
        try await gate.enter()
        #expect(time.sleeps == [.seconds(20)])
        try await gate.enter()
        #expect(time.sleeps == [.seconds(20)])
        #expect(gate.close(for: .seconds(1)))
    }

    @Test("Whoever is cancelled leaves at once, in the queue or before the closed gate, and takes no place with him")
    func cancelled() async throws {
        let (time, sleeping, _) = SinkTime.endless()
        let gate = RequestGate(limit: 1, time: time)
        try await gate.enter()
        let queued = Task { try await gate.enter() }
        while gate.waiting < 1 { await Task.yield() }
        queued.cancel()
        await #expect(throws: CancellationError.self) { try await queued.value }
        gate.leave()

        _ = gate.close(for: .seconds(60))
        let outside = Task { try await gate.enter() }
        for await _ in sleeping { break }
        outside.cancel()
        await #expect(throws: CancellationError.self) { try await outside.value }

        let late = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await gate.enter()
        }
        await #expect(throws: CancellationError.self) { try await late.value }
        #expect(gate.free == 1)
    }
}
