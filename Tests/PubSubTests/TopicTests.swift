import PubSub
import Synchronization
import Testing

@Suite("A publish returns only when every subscription has settled every message")
struct TopicTests {
    private let clock = ManualClock()
    private let noWait = Backoff(initial: .zero)

    private func topic(_ options: TopicOptions = TopicOptions()) -> Topic<Numbers> {
        Topic(name: "t", options: options, clock: clock, randomness: { 0 })
    }

    @Test("All acked: the receipt counts each subscription")
    func acked() async throws {
        let topic = topic()
        let first = ScriptedSubscriber()
        let second = ScriptedSubscriber()
        try topic.subscribe("a", subscriber: first, deadLetters: DeadLetterBox())
        try topic.subscribe("b", subscriber: second, deadLetters: DeadLetterBox())
        let receipt = try await topic.publish(Numbers(5..<15), orderingKey: "k")
        let all = SubscriptionReceipt(acked: 10)
        #expect(receipt == PublishReceipt(messageCount: 10, subscriptions: ["a": all, "b": all]))
        #expect(first.batches == [5..<15])
        #expect(second.batches == [5..<15])
        let counters = try #require(topic.counters()["a"])
        #expect(counters.delivered == 10 && counters.acked == 10 && counters.inFlight == 0 && counters.waiting == 0)
    }

    @Test("It does not return while one subscriber is still at work")
    func waitsForTheLast() async throws {
        let topic = topic()
        let gate = Gate()
        let isReturned = Mutex(false)
        try topic.subscribe("quick", subscriber: ScriptedSubscriber(), deadLetters: DeadLetterBox())
        let slow = ScriptedSubscriber { _ in
            await gate.pass()
            #expect(!isReturned.withLock { $0 })
            return .acknowledged
        }
        try topic.subscribe("slow", subscriber: slow, deadLetters: DeadLetterBox())
        async let receipt = topic.publish(Numbers(0..<3), orderingKey: "k")
        await gate.arrivals()
        gate.open()
        #expect(try await receipt.subscriptions["slow"]?.acked == 3)
        isReturned.withLock { $0 = true }
    }

    @Test("A bad message becomes a dead letter that says what it was, and the others are acked")
    func deadLetter() async throws {
        let topic = topic()
        let box = DeadLetterBox()
        let subscriber = ScriptedSubscriber { delivery in
            if delivery.batch.values.contains(107) { throw Bad(number: 107) }
            return .acknowledged
        }
        let options = SubscriptionOptions(maximumAttempts: 2, attemptsBeforeSplit: 1, backoff: noWait)
        try topic.subscribe("s", options: options, subscriber: subscriber, deadLetters: box)
        let receipt = try await topic.publish(Numbers(100..<110), orderingKey: "k")
        #expect(receipt.subscriptions["s"]?.acked == 9)
        #expect(receipt.deadLettered == 1)
        #expect(receipt.redeliveries > 0)
        let letter = try #require(box.letters.first)
        #expect(box.numbers == [107])
        #expect(letter.topic == "t" && letter.subscription == "s" && letter.orderingKey == "k")
        #expect(letter.publishNumber == 1 && letter.position == 7)
        #expect(letter.error as? Bad == Bad(number: 107))
        #expect(letter.attempts == subscriber.attempts.max())
    }

    @Test("A redelivery waits for its backoff")
    func backoff() async throws {
        let topic = topic()
        let subscriber = ScriptedSubscriber { delivery in
            delivery.attempt == 1 ? .failed([MessageFailure(position: 2, error: Bad(number: 2))]) : .acknowledged
        }
        let options = SubscriptionOptions(backoff: Backoff(initial: .seconds(5), jitter: 0))
        try topic.subscribe("s", options: options, subscriber: subscriber, deadLetters: DeadLetterBox())
        async let receipt = topic.publish(Numbers(0..<4), orderingKey: "k")
        await clock.sleeper(until: .seconds(5))
        #expect(subscriber.batches == [0..<4])
        clock.advance(by: .seconds(5))
        #expect(try await receipt.subscriptions["s"] == SubscriptionReceipt(acked: 4, redeliveries: 1))
        #expect(subscriber.batches == [0..<4, 2..<3])
    }

    @Test("A delivery that outlives the ack deadline is cancelled and redelivered; its late answer counts for nothing")
    func ackDeadline() async throws {
        let topic = topic()
        let entered = Gate()
        let cancelled = Gate()
        let late = Gate()
        entered.open()
        let subscriber = ScriptedSubscriber { delivery in
            guard delivery.attempt == 1 else { return .acknowledged }
            await withTaskCancellationHandler {
                await entered.pass()
                await cancelled.pass()
            } onCancel: {
                cancelled.open()
            }
            await late.pass()
            return .rejected(at: 0, Bad(number: 0))
        }
        let box = DeadLetterBox()
        let options = SubscriptionOptions(ackDeadline: .seconds(10), backoff: noWait)
        try topic.subscribe("s", options: options, subscriber: subscriber, deadLetters: box)
        async let receipt = topic.publish(Numbers(0..<4), orderingKey: "k")
        await entered.arrivals()
        await clock.sleeper(until: .seconds(10))
        clock.advance(by: .seconds(10))
        #expect(try await receipt.subscriptions["s"] == SubscriptionReceipt(acked: 4, redeliveries: 4))
        await late.arrivals()
        late.open()
        await topic.close()
        #expect(box.letters.isEmpty)
        let counters = try #require(topic.counters()["s"])
        #expect(counters.expiredDeadlines == 1 && counters.acked == 4 && counters.nacked == 4)
    }

    @Test("An unavailable subscriber fails the publish, never a message; the failure tells what was settled")
    func unavailable() async throws {
        let topic = topic()
        let box = DeadLetterBox()
        let options = SubscriptionOptions(maximumUnavailableAttempts: 3, backoff: noWait)
        try topic.subscribe(
            "locked",
            options: options,
            subscriber: ScriptedSubscriber { _ in throw TableLocked() },
            deadLetters: box
        )
        try topic.subscribe("sound", subscriber: ScriptedSubscriber(), deadLetters: box)
        let failure = try await #require(throws: PublishFailure.self) {
            _ = try await topic.publish(Numbers(0..<4), orderingKey: "k")
        }
        #expect(failure.subscription == "locked" && failure.attempts == 3)
        #expect(failure.cause as? TableLocked == TableLocked())
        #expect(failure.failures.map(\.reason) == [.unavailable])
        #expect(failure.settled.subscriptions["sound"] == SubscriptionReceipt(acked: 4))
        #expect(failure.settled.subscriptions["locked"] == SubscriptionReceipt(redeliveries: 8))
        #expect(
            "\(failure)" == """
                Topic t: subscription locked is unavailable (attempts: 3): TableLocked(retryable: true) \
                [of 4 messages 0 acked, 0 dead-lettered]. Remove the cause, then publish the batch again.
                """
        )
        #expect(box.letters.isEmpty)
        #expect(topic.counters()["locked"]?.lastError == "TableLocked(retryable: true)")
    }

    @Test("A dead letter that cannot be kept fails the publish")
    func deadLetterNotKept() async throws {
        let topic = topic()
        try topic.subscribe(
            "s",
            subscriber: ScriptedSubscriber { _ in .rejected(at: 1, Bad(number: 1)) },
            deadLetters: DeadLetterBox(refusal: Bad(number: 99))
        )
        let failure = try await #require(throws: PublishFailure.self) {
            _ = try await topic.publish(Numbers(0..<4), orderingKey: "k")
        }
        #expect(failure.failures.map(\.reason) == [.deadLetterNotKept(position: 1)])
        #expect(failure.cause as? Bad == Bad(number: 99))
        #expect(failure.settled.subscriptions["s"] == SubscriptionReceipt(acked: 1))
    }

    @Test("A batch without messages returns without a delivery")
    func empty() async throws {
        let topic = topic()
        let subscriber = ScriptedSubscriber()
        try topic.subscribe("s", subscriber: subscriber, deadLetters: DeadLetterBox())
        let receipt = try await topic.publish(Numbers(0..<0), orderingKey: "k")
        #expect(receipt == PublishReceipt(messageCount: 0, subscriptions: ["s": SubscriptionReceipt()]))
        #expect(subscriber.batches.isEmpty)
    }

    @Test("A topic refuses what cannot be right")
    func refusals() async throws {
        let topic = topic()
        await #expect(throws: TopicError.noSubscriptions(topic: "t")) {
            _ = try await topic.publish(Numbers(0..<1), orderingKey: "k")
        }
        try topic.subscribe("s", subscriber: ScriptedSubscriber(), deadLetters: DeadLetterBox())
        #expect(throws: TopicError.duplicateSubscription(topic: "t", subscription: "s")) {
            try topic.subscribe("s", subscriber: ScriptedSubscriber(), deadLetters: DeadLetterBox())
        }
        await topic.close()
        await #expect(throws: TopicError.closed(topic: "t")) {
            _ = try await topic.publish(Numbers(0..<1), orderingKey: "k")
        }
        #expect(throws: TopicError.closed(topic: "t")) {
            try topic.subscribe("new", subscriber: ScriptedSubscriber(), deadLetters: DeadLetterBox())
        }
    }

    @Test("Plain arrays of messages can be published")
    func arrays() async throws {
        struct Line: Message {
            var text: String
            var byteCount: Int { text.utf8.count }
        }
        struct Rejecter: Subscriber {
            func receive(_ delivery: Delivery<[Line]>) async throws -> DeliveryOutcome {
                delivery.batch.firstIndex { $0.text.isEmpty }.map { .rejected(at: $0, Bad(number: $0)) }
                    ?? .acknowledged
            }
        }
        struct Bin: DeadLetterHandler {
            func handle(_ letter: DeadLetter<[Line]>) async throws {
                #expect(letter.message.map(\.text) == [""])
            }
        }
        let topic = Topic<[Line]>(name: "lines")
        try topic.subscribe("s", subscriber: Rejecter(), deadLetters: Bin())
        let lines = ["one", "", "three"].map(Line.init)
        #expect(lines.byteCount == 8)
        let receipt = try await topic.publish(lines, orderingKey: "k")
        #expect(receipt.subscriptions["s"] == SubscriptionReceipt(acked: 2, deadLettered: 1))
    }
}
