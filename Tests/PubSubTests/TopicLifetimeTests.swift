import PubSub
import Synchronization
import Testing

@Suite("Closing drains, cancelling a publisher is clean, and publishers wait for room")
struct TopicLifetimeTests {
    private let clock = ManualClock()

    private func topic(highWatermark: Int = 1000) -> Topic<Numbers> {
        Topic(
            name: "t",
            options: TopicOptions(highWatermarkMessages: highWatermark),
            clock: clock,
            randomness: { 0 }
        )
    }

    private func publish(
        _ numbers: Range<Int>,
        _ key: OrderingKey,
        on topic: Topic<Numbers>
    ) -> Task<PublishReceipt, any Error> {
        Task { try await topic.publish(Numbers(numbers), orderingKey: key) }
    }

    @Test("A publish that was cancelled before it began delivers nothing")
    func cancelledBefore() async throws {
        let topic = topic()
        let subscriber = ScriptedSubscriber()
        try topic.subscribe("s", subscriber: subscriber, deadLetters: DeadLetterBox())
        let gate = Gate()
        let publisher = Task {
            await gate.pass()
            return try await topic.publish(Numbers(0..<3), orderingKey: "k")
        }
        await gate.arrivals()
        publisher.cancel()
        gate.open()
        await #expect(throws: CancellationError.self) { try await publisher.value }
        #expect(subscriber.batches.isEmpty)
    }

    @Test("A publisher that is cancelled during a delivery returns when the delivery has ended")
    func cancelledInFlight() async throws {
        let topic = topic()
        let gate = Gate()
        let subscriber = ScriptedSubscriber { _ in
            await gate.pass()
            #expect(!Task.isCancelled, "a publisher's cancellation is not the delivery's")
            return .failed([MessageFailure(position: 1, error: Bad(number: 1))])
        }
        try topic.subscribe("s", subscriber: subscriber, deadLetters: DeadLetterBox())
        let publisher = publish(0..<4, "k", on: topic)
        await gate.arrivals()
        publisher.cancel()
        #expect(topic.counters()["s"]?.inFlight == 4)
        gate.open()
        await #expect(throws: CancellationError.self) { try await publisher.value }
        let counters = try #require(topic.counters()["s"])
        #expect(counters.acked == 3 && counters.waiting == 0 && counters.redelivered == 0)
        #expect(subscriber.batches == [0..<4])
    }

    @Test(
        "A delivery that wants to hear of its publisher's cancellation ends at once, and nothing becomes a dead letter"
    )
    func cancelledWithPublisher() async throws {
        let topic = topic()
        let (gate, letters) = (Gate(), DeadLetterBox())
        let subscriber = ScriptedSubscriber { _ in
            await gate.pass()
            try await Task.sleep(for: .seconds(3600))
            return .acknowledged
        }
        let options = SubscriptionOptions(maximumAttempts: 1, cancelsWithPublisher: true)
        try topic.subscribe("s", options: options, subscriber: subscriber, deadLetters: letters)
        let publisher = publish(0..<1, "k", on: topic)
        gate.open()
        await gate.arrivals()
        publisher.cancel()
        await #expect(throws: CancellationError.self) { try await publisher.value }
        await topic.close()
        #expect(letters.letters.isEmpty)
    }

    @Test("A publisher that is cancelled during a backoff returns at once")
    func cancelledInBackoff() async throws {
        let topic = topic()
        let subscriber = ScriptedSubscriber { _ in throw Bad(number: 0) }
        let options = SubscriptionOptions(backoff: Backoff(initial: .seconds(5), jitter: 0))
        try topic.subscribe("s", options: options, subscriber: subscriber, deadLetters: DeadLetterBox())
        let publisher = publish(0..<4, "k", on: topic)
        await clock.sleeper(until: .seconds(5))
        publisher.cancel()
        await #expect(throws: CancellationError.self) { try await publisher.value }
        await topic.close()
        #expect(subscriber.batches == [0..<4])
    }

    @Test("A publisher without room waits; cancelled, it leaves without a delivery; otherwise it gets its turn")
    func room() async throws {
        let topic = topic(highWatermark: 5)
        let gate = Gate()
        let subscriber = ScriptedSubscriber { delivery in
            if delivery.batch.values.lowerBound == 0 { await gate.pass() }
            return .acknowledged
        }
        try topic.subscribe("s", subscriber: subscriber, deadLetters: DeadLetterBox())
        let first = publish(0..<4, "k", on: topic)
        await gate.arrivals()
        let impatient = publish(10..<14, "l", on: topic)
        impatient.cancel()
        await #expect(throws: CancellationError.self) { try await impatient.value }
        let patient = publish(20..<24, "m", on: topic)
        #expect(subscriber.batches == [0..<4])
        gate.open()
        #expect(try await first.value.subscriptions["s"]?.acked == 4)
        #expect(try await patient.value.subscriptions["s"]?.acked == 4)
        #expect(subscriber.batches == [0..<4, 20..<24])
    }

    @Test("Closing returns when what was accepted is settled, redeliveries included")
    func drain() async throws {
        let topic = topic()
        let gate = Gate()
        let subscriber = ScriptedSubscriber { delivery in
            if delivery.attempt == 1 {
                await gate.pass()
                throw Bad(number: 0)
            }
            return .acknowledged
        }
        let options = SubscriptionOptions(backoff: Backoff(initial: .zero))
        try topic.subscribe("s", options: options, subscriber: subscriber, deadLetters: DeadLetterBox())
        let publisher = publish(0..<4, "k", on: topic)
        await gate.arrivals()
        async let closed: Void = topic.close()
        gate.open()
        await closed
        let counters = try #require(topic.counters()["s"])
        #expect(counters.acked == 4 && counters.inFlight == 0 && counters.waiting == 0)
        #expect(try await publisher.value.subscriptions["s"] == SubscriptionReceipt(acked: 4, redeliveries: 4))
        await topic.close()
    }

    @Test("A topic that nobody holds any more takes its alarm with it")
    func released() async throws {
        var topic: Topic<Numbers>? = topic()
        let options = SubscriptionOptions(ackDeadline: .seconds(7))
        try topic?.subscribe("s", options: options, subscriber: ScriptedSubscriber(), deadLetters: DeadLetterBox())
        _ = try await topic?.publish(Numbers(0..<1), orderingKey: "k")
        await clock.sleeper(until: .seconds(7))
        topic = nil
        await clock.noSleepers()
    }

    @Test("Many publishers, failing subscribers: books balance, and each key stays in order")
    func concurrentPublishers() async throws {
        let topic = topic(highWatermark: 200)
        let box = DeadLetterBox()
        let latest = Mutex<[OrderingKey: Int]>([:])
        let subscriber = ScriptedSubscriber { delivery in
            let isInOrder = latest.withLock { latest in
                defer { latest[delivery.orderingKey] = delivery.publishNumber }
                return latest[delivery.orderingKey, default: 0] <= delivery.publishNumber
            }
            #expect(isInOrder)
            if delivery.batch.values.contains(where: { $0 % 97 == 0 }) { throw Bad(number: 0) }
            return .acknowledged
        }
        let options = SubscriptionOptions(
            maximumAttempts: 1,
            backoff: Backoff(initial: .zero),
            maximumConcurrentDeliveries: 3
        )
        try topic.subscribe("failing", options: options, subscriber: subscriber, deadLetters: box)
        try topic.subscribe("sound", subscriber: ScriptedSubscriber(), deadLetters: box)
        let receipts = try await withThrowingTaskGroup(of: SubscriptionReceipt.self) { group in
            for publisher in 0..<8 {
                group.addTask {
                    var sum = SubscriptionReceipt()
                    for batch in 0..<50 {
                        let start = (publisher * 50 + batch) * 30
                        let receipt = try await topic.publish(Numbers(start..<start + 30), orderingKey: "k\(publisher)")
                        #expect(receipt.subscriptions["sound"] == SubscriptionReceipt(acked: 30))
                        sum.acked += receipt.subscriptions["failing"]?.acked ?? 0
                        sum.deadLettered += receipt.subscriptions["failing"]?.deadLettered ?? 0
                        sum.redeliveries += receipt.redeliveries
                    }
                    return sum
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        await topic.close()
        let bad = (0..<12000).filter { $0 % 97 == 0 }
        #expect(box.numbers.sorted() == bad)
        #expect(receipts.reduce(0) { $0 + $1.acked } == 12000 - bad.count)
        #expect(receipts.reduce(0) { $0 + $1.deadLettered } == bad.count)
        let counters = try #require(topic.counters()["failing"])
        #expect(counters.acked == 12000 - bad.count && counters.deadLettered == bad.count)
        #expect(counters.redelivered == receipts.reduce(0) { $0 + $1.redeliveries })
        #expect(counters.inFlight == 0 && counters.waiting == 0)
    }
}
