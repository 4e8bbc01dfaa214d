import Testing

@testable import BackfillKit

@Suite(
    "Whoever waits at the gate is let in, turned away or cancelled, and none of it disturbs the others",
    .timeLimit(.minutes(5))
)
struct FlowControlTests {
    private func enter(_ flow: FlowControl, records: Int = 1) async throws -> FlowControl.Answer {
        try await flow.enter(lane: nil, records: records, bytes: records) {}
    }

    private func passed(_ answer: FlowControl.Answer) -> Int? {
        if case .pass(let records) = answer { records } else { nil }
    }

    private func turnedAway(_ answer: FlowControl.Answer) -> TurnedAway? {
        if case .turnedAway(let why) = answer { why } else { nil }
    }

    @Test("Who is paused goes on when all that holds the run is gone")
    func holds() async throws {
        let flow = FlowControl(FlowSettings())
        flow.pause(by: "anna@host")
        flow.probes([.probe(name: "lag", answer: "late")])
        let entering = Task { try await enter(flow, records: 7) }
        while flow.tick()?.description != "paused by anna@host" { await Task.yield() }
        flow.pause(by: nil)
        #expect(flow.tick()?.description == "probe lag: late")
        flow.probes([])
        #expect(passed(try await entering.value) == 7)
        #expect(flow.tick() == nil)
    }

    @Test("Who is cancelled while it waits leaves its place to the next; who was cancelled before does not wait")
    func cancellation() async throws {
        let flow = FlowControl(FlowSettings(concurrency: 1))
        #expect(passed(try await enter(flow)) == 1)
        let first = Task { try await enter(flow) }
        while flow.tick()?.description != "at most 1 batch at once" { await Task.yield() }
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        let second = Task { try await enter(flow) }
        flow.leave()
        #expect(passed(try await second.value) == 1)

        let third = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await enter(flow)
        }
        await #expect(throws: CancellationError.self) { try await third.value }
    }

    @Test("A window turns away and lets in again; a stop is for good, also when a window opens after it")
    func closings() async throws {
        let flow = FlowControl(FlowSettings())
        flow.window(isShut: true)
        #expect(turnedAway(try await enter(flow)) == .window)
        flow.window(isShut: false)
        #expect(passed(try await enter(flow)) == 1)
        flow.pause(by: "anna@host")
        let waiting = Task { try await enter(flow) }
        while flow.tick() == nil { await Task.yield() }
        flow.stop()
        #expect(turnedAway(try await waiting.value) == .stopped)
        flow.window(isShut: true)
        flow.window(isShut: false)
        flow.pause(by: nil)
        #expect(flow.isStopped)
        #expect(turnedAway(try await enter(flow)) == .stopped)
    }

    @Test("Many at once through a fast pace: everybody passes once, and the pace is kept")
    func pace() async throws {
        let flow = FlowControl(FlowSettings(pace: Pace(records: 1_000)))
        let clock = ContinuousClock()
        let began = clock.now
        let passed = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<32 {
                group.addTask {
                    var passed = 0
                    for _ in 0..<10 {
                        passed += self.passed(try await self.enter(flow, records: 1)) ?? 0
                        flow.leave()
                        // What a keeper does all the while must not keep the alarm from ringing.
                        _ = flow.tick()
                    }
                    return passed
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(passed == 320)
        // The last one passes when the 319 before it are paid for, less what may be made up for.
        #expect(clock.now - began >= .milliseconds(319) - Meter.slack)
    }
}
