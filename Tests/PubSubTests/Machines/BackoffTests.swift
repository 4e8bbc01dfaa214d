import Testing

@testable import PubSub

@Suite("A backoff grows to its maximum, and jitter only shortens it")
struct BackoffTests {
    @Test(
        "It grows by the coefficient up to the maximum",
        arguments: [(1, 100), (2, 300), (3, 900), (4, 1000), (5, 1000), (Int.max, 1000)]
    )
    func growth(failures: Int, milliseconds: Int) {
        let backoff = Backoff(initial: .milliseconds(100), coefficient: 3, maximum: .seconds(1), jitter: 0)
        #expect(backoff.wait(afterFailures: failures, chance: 0.7) == .milliseconds(milliseconds))
    }

    @Test("Jitter takes away at most its part")
    func jitter() {
        let backoff = Backoff(initial: .milliseconds(100), jitter: 0.5)
        #expect(backoff.wait(afterFailures: 1, chance: 0) == .milliseconds(100))
        #expect(backoff.wait(afterFailures: 1, chance: 0.5) == .milliseconds(75))
        #expect(backoff.wait(afterFailures: 1, chance: 1) == .milliseconds(50))
    }

    @Test("Settings without sense are taken as the nearest that have some")
    func bounds() {
        #expect(Backoff(initial: .seconds(-1)).wait(afterFailures: 9, chance: 0) == .zero)
        #expect(
            Backoff(initial: .seconds(9), maximum: .seconds(2), jitter: 0).wait(afterFailures: 1, chance: 1)
                == .seconds(2)
        )
        #expect(
            Backoff(initial: .seconds(1), coefficient: 0.1, jitter: 0).wait(afterFailures: 5, chance: 1) == .seconds(1)
        )
        #expect(Backoff(initial: .seconds(1), jitter: 7).wait(afterFailures: 1, chance: 3) == .zero)
        #expect(Backoff(initial: .zero).wait(afterFailures: .max, chance: 0) == .zero)
    }
}
