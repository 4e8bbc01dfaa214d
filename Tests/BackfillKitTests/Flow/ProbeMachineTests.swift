import Testing

@testable import BackfillKit

@Suite("A probe says no until it has said yes, and is asked less often while it says no")
struct ProbeMachineTests {
    @Test("Before its first answer it allows nothing, and is asked at once")
    func first() {
        let probe = ProbeMachine(every: .seconds(5))
        #expect(!probe.allows && probe.answer == nil && probe.nextAfter == .zero)
    }

    @Test("After a no the time doubles up to four times; a yes brings it back")
    func backoff() {
        var probe = ProbeMachine(every: .seconds(5))
        var waits: [Duration] = []
        for _ in 0..<5 {
            _ = probe.answered(.no("busy"))
            waits.append(probe.nextAfter)
        }
        #expect(waits == [5, 10, 20, 20, 20].map { .seconds($0) })
        #expect(!probe.allows)
        _ = probe.answered(.yes)
        #expect(probe.allows && probe.nextAfter == .seconds(5))
        _ = probe.answered(.no("busy"))
        #expect(!probe.allows && probe.nextAfter == .seconds(5))
    }

    @Test("News is what differs in more than its words")
    func news() {
        var probe = ProbeMachine(every: .seconds(1))
        let answers: [ProbeMachine.Answer] = [.no("12 sessions"), .no("13 sessions"), .yes, .yes, .no("13 sessions")]
        let news = answers.map { probe.answered($0) }
        #expect(news == [true, false, true, false, true])
        #expect(probe.answer == .no("13 sessions"))
        var willing = ProbeMachine(every: .seconds(1))
        let isNews = willing.answered(.yes)
        #expect(isNews, "the first answer is news")
    }
}
