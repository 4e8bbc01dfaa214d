import Testing

@testable import PubSub

/// Runs a machine on answers, and tells its steps as text.
private final class Script {
    private var machine: DeliveryMachine
    private let options: SubscriptionOptions
    private var now = Duration.zero

    init(
        messages: Int,
        options: SubscriptionOptions = SubscriptionOptions(backoff: Backoff(initial: .seconds(1), jitter: 0))
    ) {
        machine = DeliveryMachine(messageCount: messages)
        self.options = options
    }

    var receipt: SubscriptionReceipt { machine.receipt }

    func next(after wait: Duration = .zero) -> String {
        now += wait
        switch machine.next(at: now) {
        case .deliver(let range, let attempt): return "deliver \(range) attempt \(attempt)"
        case .keep(let letter): return "keep \(letter.position): \(letter.error), attempts \(letter.attempts)"
        case .wait(let until): return "wait \((until - now).components.seconds)"
        case .end(.settled): return "settled"
        case .end(.withdrawn): return "withdrawn"
        case .end(.failed(let reason, let cause, let attempts)):
            return "failed \(reason): \(cause), attempts \(attempts)"
        }
    }

    @discardableResult
    func answer(_ outcome: DeliveryOutcome) -> DeliveryMachine.Tally {
        machine.answered(.outcome(outcome), at: now, options: options) { 0 }
    }

    @discardableResult
    func threw(_ error: any Error) -> DeliveryMachine.Tally {
        machine.answered(.failure(error), at: now, options: options) { 0 }
    }

    func kept() { machine.deadLetterKept() }
    func notKept(_ error: any Error) { machine.deadLetterNotKept(error) }
    func withdraw() { machine.withdraw() }
}

private func failures(_ positions: Int...) -> DeliveryOutcome {
    .failed(positions.map { MessageFailure(position: $0, error: Bad(number: $0)) })
}

@Suite("Every message of a publish is acked or becomes a dead letter, whatever the subscriber answers")
struct DeliveryMachineTests {
    @Test("All acked at once")
    func acknowledged() {
        let script = Script(messages: 10)
        #expect(script.next() == "deliver 0..<10 attempt 1")
        #expect(script.answer(.acknowledged) == DeliveryMachine.Tally(acked: 10))
        #expect(script.next() == "settled")
        #expect(script.receipt == SubscriptionReceipt(acked: 10))
    }

    @Test("Nothing to deliver")
    func empty() {
        #expect(Script(messages: 0).next() == "settled")
    }

    @Test("Named messages come again after the backoff, neighbours together, and all others are acked")
    func partial() {
        let script = Script(messages: 10)
        #expect(script.next() == "deliver 0..<10 attempt 1")
        #expect(script.answer(failures(7, 2, 3, 3)) == DeliveryMachine.Tally(acked: 7, nacked: 3))
        #expect(script.next() == "wait 1")
        #expect(script.next(after: .seconds(1)) == "deliver 2..<4 attempt 2")
        script.answer(failures(1))
        #expect(script.next() == "deliver 7..<8 attempt 2")
        script.answer(.acknowledged)
        #expect(script.next() == "wait 2")
        #expect(script.next(after: .seconds(2)) == "deliver 3..<4 attempt 3")
        script.answer(.acknowledged)
        #expect(script.next() == "settled")
        #expect(script.receipt == SubscriptionReceipt(acked: 10, redeliveries: 4))
    }

    @Test("A message named in every attempt becomes a dead letter with its last error")
    func exhausted() {
        let script = Script(
            messages: 3,
            options: SubscriptionOptions(maximumAttempts: 2, backoff: Backoff(initial: .zero))
        )
        #expect(script.next() == "deliver 0..<3 attempt 1")
        script.answer(failures(1))
        #expect(script.next() == "deliver 1..<2 attempt 2")
        script.answer(.failed([MessageFailure(position: 0, error: Bad(number: 42))]))
        #expect(script.next() == "keep 1: bad 42, attempts 2")
        script.kept()
        #expect(script.next() == "settled")
        #expect(script.receipt == SubscriptionReceipt(acked: 2, deadLettered: 1, redeliveries: 1))
    }

    @Test("A rejected message becomes a dead letter at once; those behind it come next, as if they had not come before")
    func rejected() {
        let script = Script(messages: 5)
        #expect(script.next() == "deliver 0..<5 attempt 1")
        #expect(script.answer(.rejected(at: 2, Bad(number: 2))) == DeliveryMachine.Tally(acked: 2, nacked: 1))
        #expect(script.next() == "keep 2: bad 2, attempts 1")
        script.kept()
        #expect(script.next() == "deliver 3..<5 attempt 1")
        script.answer(.rejected(at: 1, Bad(number: 4)))
        #expect(script.next() == "keep 4: bad 4, attempts 1")
        script.kept()
        #expect(script.next() == "settled")
        #expect(script.receipt == SubscriptionReceipt(acked: 3, deadLettered: 2))
    }

    @Test("A message that failed for good becomes a dead letter at once; the others of the delivery are not held up")
    func permanent() {
        let script = Script(messages: 5)
        #expect(script.next() == "deliver 0..<5 attempt 1")
        let failures = [
            MessageFailure(position: 3, error: Bad(number: 3), isPermanent: true),
            MessageFailure(position: 2, error: Bad(number: 2)),
            MessageFailure(position: 0, error: Bad(number: 0), isPermanent: true),
        ]
        #expect(script.answer(.failed(failures)) == DeliveryMachine.Tally(acked: 2, nacked: 3))
        #expect(script.next() == "keep 0: bad 0, attempts 1")
        script.kept()
        #expect(script.next() == "keep 3: bad 3, attempts 1")
        script.kept()
        #expect(script.next() == "wait 1")
        #expect(script.next(after: .seconds(1)) == "deliver 2..<3 attempt 2")
        script.answer(.acknowledged)
        #expect(script.next() == "settled")
        #expect(script.receipt == SubscriptionReceipt(acked: 3, deadLettered: 2, redeliveries: 1))
    }

    @Test("A batch that fails as a whole is tried again, then split down to the bad message")
    func split() {
        let script = Script(
            messages: 4,
            options: SubscriptionOptions(maximumAttempts: 2, backoff: Backoff(initial: .seconds(1), jitter: 0))
        )
        #expect(script.next() == "deliver 0..<4 attempt 1")
        #expect(script.threw(Bad(number: 2)) == DeliveryMachine.Tally(nacked: 4))
        #expect(script.next() == "wait 1")
        #expect(script.next(after: .seconds(1)) == "deliver 0..<4 attempt 2")
        script.threw(Bad(number: 2))
        #expect(script.next() == "deliver 0..<2 attempt 3")
        script.answer(.acknowledged)
        #expect(script.next() == "deliver 2..<4 attempt 3")
        script.threw(Bad(number: 2))
        #expect(script.next() == "deliver 2..<3 attempt 4")
        script.threw(Bad(number: 2))
        #expect(script.next() == "deliver 3..<4 attempt 4", "the others do not wait for the bad one")
        script.answer(.acknowledged)
        #expect(script.next() == "wait 1")
        #expect(script.next(after: .seconds(1)) == "deliver 2..<3 attempt 5")
        script.threw(Bad(number: 2))
        #expect(script.next() == "keep 2: bad 2, attempts 5")
        script.kept()
        #expect(script.next() == "settled")
        #expect(script.receipt.acked == 3)
        #expect(script.receipt.deadLettered == 1)
    }

    @Test("One bad message among n is found in O(log n) deliveries", arguments: [1, 2, 1000, 65536, 100_001])
    func deliveriesOfASplit(messages: Int) {
        let options = SubscriptionOptions(maximumAttempts: 1, attemptsBeforeSplit: 2, backoff: Backoff(initial: .zero))
        for bad in [0, messages / 3, messages - 1] {
            var machine = DeliveryMachine(messageCount: messages)
            var deliveries = 0
            loop: while true {
                switch machine.next(at: .zero) {
                case .deliver(let range, _):
                    deliveries += 1
                    let answer: DeliveryMachine.Answer =
                        range.contains(bad) ? .failure(Bad(number: bad)) : .outcome(.acknowledged)
                    _ = machine.answered(answer, at: .zero, options: options) { 0 }
                case .keep(let letter):
                    #expect(letter.position == bad)
                    machine.deadLetterKept()
                case .wait, .end: break loop
                }
            }
            #expect(machine.receipt.acked == messages - 1)
            #expect(machine.receipt.deadLettered == 1)
            let halvings = Int.bitWidth - (messages - 1).leadingZeroBitCount
            #expect(deliveries <= 2 + 2 * (messages == 1 ? 0 : halvings))
        }
    }

    @Test("An unavailable subscriber gets the whole again, then the publish fails; no message is to blame")
    func unavailable() {
        let script = Script(
            messages: 4,
            options: SubscriptionOptions(
                maximumUnavailableAttempts: 3,
                backoff: Backoff(initial: .seconds(1), jitter: 0)
            )
        )
        #expect(script.next() == "deliver 0..<4 attempt 1")
        script.threw(TableLocked())
        #expect(script.next() == "wait 1")
        #expect(script.next(after: .seconds(1)) == "deliver 0..<4 attempt 2")
        script.threw(TableLocked())
        #expect(script.next() == "wait 2")
        #expect(script.next(after: .seconds(2)) == "deliver 0..<4 attempt 3")
        script.threw(TableLocked())
        #expect(script.next() == "failed unavailable: TableLocked(retryable: true), attempts 3")
        #expect(script.receipt == SubscriptionReceipt(redeliveries: 8))
    }

    @Test("An unavailable subscriber that recovers starts its count anew")
    func recovered() {
        let script = Script(
            messages: 2,
            options: SubscriptionOptions(maximumUnavailableAttempts: 2, backoff: Backoff(initial: .zero))
        )
        _ = script.next()
        script.threw(TableLocked())
        #expect(script.next() == "deliver 0..<2 attempt 2")
        script.answer(failures(0))
        #expect(script.next() == "deliver 0..<1 attempt 3")
        script.threw(TableLocked())
        #expect(script.next() == "deliver 0..<1 attempt 4")
        script.answer(.acknowledged)
        #expect(script.next() == "settled")
    }

    @Test("What cannot be retried fails the publish at once")
    func notRetryable() {
        let script = Script(messages: 2)
        _ = script.next()
        script.threw(TableLocked(retryable: false))
        #expect(script.next() == "failed unavailable: TableLocked(retryable: false), attempts 1")
    }

    @Test("A dead letter that is not kept fails the publish, and its message is not settled")
    func deadLetterNotKept() {
        let script = Script(messages: 3)
        _ = script.next()
        script.answer(.rejected(at: 1, Bad(number: 1)))
        #expect(script.next() == "keep 1: bad 1, attempts 1")
        script.notKept(TableLocked())
        #expect(
            script.next() == "failed deadLetterNotKept(position: 1): TableLocked(retryable: true), attempts 1"
        )
        #expect(script.receipt == SubscriptionReceipt(acked: 1))
    }

    @Test(
        "An answer with a position that was not delivered is a failure of the whole",
        arguments: [
            failures(0, 3), failures(-1), .rejected(at: 3, Bad(number: 3)), .rejected(at: -1, Bad(number: 3)),
        ]
    )
    func invalid(outcome: DeliveryOutcome) {
        let script = Script(messages: 3)
        _ = script.next()
        #expect(script.answer(outcome) == DeliveryMachine.Tally(nacked: 3))
        #expect(script.next() == "wait 1")
        #expect(script.next(after: .seconds(1)) == "deliver 0..<3 attempt 2")
    }

    @Test("A delivery that breaks off because its publisher was cancelled is held against no message")
    func brokenOff() {
        let script = Script(
            messages: 1,
            options: SubscriptionOptions(maximumAttempts: 1, cancelsWithPublisher: true)
        )
        _ = script.next()
        script.withdraw()
        #expect(script.threw(CancellationError()) == DeliveryMachine.Tally(nacked: 1))
        #expect(script.next() == "withdrawn")
        #expect(script.receipt == SubscriptionReceipt())
    }

    @Test("After a withdrawal what is under way is settled, dead letters too, and nothing more is delivered")
    func withdrawal() {
        let script = Script(messages: 5)
        _ = script.next()
        script.withdraw()
        script.answer(.rejected(at: 1, Bad(number: 1)))
        #expect(script.next() == "keep 1: bad 1, attempts 1")
        script.kept()
        #expect(script.next() == "withdrawn")
        #expect(script.receipt == SubscriptionReceipt(acked: 1, deadLettered: 1))
    }
}
