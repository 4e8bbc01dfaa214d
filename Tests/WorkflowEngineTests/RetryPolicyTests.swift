import Testing
import Workflows

@Suite("A retry policy decides by rules, then by what the error says, then by the number of attempts")
struct RetryPolicyTests {
    private let policy = RetryPolicy(
        initialInterval: .seconds(1),
        backoffCoefficient: 2,
        maximumInterval: .seconds(10),
        maximumAttempts: 6,
        nonRetryableErrorTypes: ["SpecError"]
    )

    /// An error with causes, outermost first.
    private func failure(_ chain: (type: String, message: String)..., nonRetryable: Bool = false) -> FailureInfo {
        var failure: FailureInfo?
        for link in chain.reversed() {
            failure = FailureInfo(
                kind: .application(nonRetryable: nonRetryable),
                type: link.type,
                message: link.message,
                cause: failure
            )
        }
        return failure ?? FailureInfo(kind: .canceled, type: "none", message: "")
    }

    private func wait(_ policy: RetryPolicy, attempt: Int, chance: Double = 0) -> Duration? {
        guard case .retry(let wait) = policy.decision(after: failure(("E", "x")), attempt: attempt, chance: chance)
        else { return nil }
        return wait
    }

    @Test("Waits double up to the maximum, then the attempts are used up")
    func growth() {
        #expect((1...6).map { wait(policy, attempt: $0) } == [1, 2, 4, 8, 10, nil].map { $0.map { .seconds($0) } })
        var endless = policy
        endless.maximumAttempts = 0
        #expect(wait(endless, attempt: 1_000_000) == .seconds(10))
    }

    @Test("Jitter takes away at most its part, and never adds", arguments: [0, 0.2, 1])
    func jitter(part: Double) throws {
        var policy = policy
        policy.jitter = part
        for attempt in 1...5 {
            let whole = try #require(wait(self.policy, attempt: attempt))
            #expect(wait(policy, attempt: attempt, chance: 0) == whole)
            for chance in [0.25, 0.5, 0.75, 1] {
                let shortened = try #require(wait(policy, attempt: attempt, chance: chance))
                #expect(shortened <= whole && shortened >= whole * (1 - part) - .microseconds(1) && shortened >= .zero)
            }
        }
    }

    @Test("A rule's type and text are looked for anywhere in the chain of causes", arguments: 0..<3)
    func chain(place: Int) {
        var links = [("Outer", "publishing failed"), ("Middle", "the batch failed"), ("Inner", "the disk is gone")]
        links[place] = ("Wanted", "quota exceeded (project 7)")
        let failure = failure(links[0], links[1], links[2])
        var policy = policy
        policy.rules = [RetryRule(errorType: "Wanted", action: .never)]
        #expect(policy.decision(after: failure, attempt: 1) == .stop(.nonRetryableFailure))
        policy.rules = [RetryRule(causePattern: "quota exceeded .*[0-9]", action: .never)]
        #expect(policy.decision(after: failure, attempt: 1) == .stop(.nonRetryableFailure))
        policy.rules = [RetryRule(errorType: "Wanted", causePattern: "quota", action: .never)]
        #expect(policy.decision(after: failure, attempt: 1) == .stop(.nonRetryableFailure))
        policy.rules = [
            RetryRule(errorType: "wanted", action: .never), RetryRule(causePattern: "Quota", action: .never),
        ]
        #expect(policy.decision(after: failure, attempt: 1) == .retry(after: .seconds(1)), "case matters")
    }

    @Test("A rule with both needs both; the first that matches decides")
    func order() {
        var policy = policy
        policy.rules = [
            RetryRule(errorType: "A", causePattern: "full", action: .never),
            RetryRule(errorType: "A", action: .retry(RetryOverrides(initialInterval: .seconds(5), maximumAttempts: 2))),
            RetryRule(causePattern: "", action: .never),
        ]
        #expect(policy.decision(after: failure(("A", "disk full")), attempt: 1) == .stop(.nonRetryableFailure))
        #expect(policy.decision(after: failure(("A", "busy")), attempt: 1) == .retry(after: .seconds(5)))
        #expect(policy.decision(after: failure(("A", "busy")), attempt: 2) == .stop(.maximumAttemptsReached))
        #expect(policy.decision(after: failure(("B", "busy")), attempt: 1) == .stop(.nonRetryableFailure))
    }

    @Test("What calls itself in vain is not tried again, unless a rule says so")
    func nonRetryable() {
        let marked = failure(("E", "x"), nonRetryable: true)
        #expect(policy.decision(after: marked, attempt: 1) == .stop(.nonRetryableFailure))
        #expect(policy.decision(after: failure(("SpecError", "x")), attempt: 1) == .stop(.nonRetryableFailure))
        var lenient = policy
        lenient.rules = [RetryRule(errorType: "E", action: .retry(RetryOverrides(jitter: 1)))]
        #expect(lenient.decision(after: marked, attempt: 1, chance: 1) == .retry(after: .zero))
    }
}
