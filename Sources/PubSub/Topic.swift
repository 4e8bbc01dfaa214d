import Synchronization

/// An in-process topic: what is published goes to every subscription, in batches, and is settled when every one has taken or
/// dead-lettered every message.
///
/// A slow or failing subscription does not touch what another one gets, but it holds up the publisher: that is what keeps memory
/// bounded and lets a checkpoint stand on a receipt.
public final class Topic<Batch: MessageBatch>: Sendable {
    private struct State {
        var subscriptions: [Subscription<Batch>] = []
        var publishes = 0
    }

    /// The topic's name.
    public let name: String
    private let clock: any Clock<Duration>
    private let chance: @Sendable () -> Double
    private let gate: AdmissionGate
    private let state = Mutex(State())

    /// - Parameters:
    ///   - clock: measures ack deadlines and backoff.
    ///   - chance: gives 0 ..< 1 for the jitter of the backoff.
    public init(
        name: String,
        options: TopicOptions = TopicOptions(),
        clock: any Clock<Duration> = ContinuousClock(),
        chance: @escaping @Sendable () -> Double = { .random(in: 0..<1) }
    ) {
        self.name = name
        self.clock = clock
        self.chance = chance
        gate = AdmissionGate(messageLimit: options.highWatermarkMessages, byteLimit: options.highWatermarkBytes)
    }

    /// Adds a subscription; it gets what is published from now on.
    ///
    /// - Throws: ``TopicError`` when the name is taken or something was published already: what had gone by would be lost to it.
    public func subscribe(
        _ name: String,
        options: SubscriptionOptions = SubscriptionOptions(),
        subscriber: any Subscriber<Batch>,
        deadLetters: any DeadLetterHandler<Batch>
    ) throws {
        let subscription = Subscription(
            name: name,
            topic: self.name,
            options: options,
            subscriber: subscriber,
            deadLetters: deadLetters,
            clock: clock,
            chance: chance
        )
        try state.withLock { state in
            guard !state.subscriptions.contains(where: { $0.name == name }) else {
                throw TopicError.cannotSubscribe(topic: self.name, subscription: name, why: "there is one of that name")
            }
            guard state.publishes == 0 else {
                throw TopicError.cannotSubscribe(
                    topic: self.name,
                    subscription: name,
                    why: "the topic was published to already"
                )
            }
            state.subscriptions.append(subscription)
        }
    }

    /// Publishes a batch and returns when every subscription has settled every message of it.
    ///
    /// Waits while the topic holds its high watermark, and until earlier publishes of the same key are settled.
    ///
    /// - Parameter orderingKey: messages of one key reach each subscription in the order of their publishing.
    /// - Throws: ``PublishFailure`` when a subscription cannot go on (the others have settled by then); ``TopicError`` when the topic
    ///   is closed; `CancellationError` when the publisher was cancelled: nothing is in flight any more then.
    public func publish(_ batch: Batch, orderingKey: String) async throws -> PublishReceipt {
        let place = try await gate.enter(key: orderingKey, messages: batch.messageCount, bytes: batch.byteCount)
        defer { gate.leave(place) }
        let (subscriptions, number) = state.withLock { state in
            state.publishes += 1
            return (state.subscriptions, state.publishes)
        }
        var receipts: [String: SubscriptionReceipt] = [:]
        if subscriptions.count == 1 {
            // The usual case needs no task group.
            receipts[subscriptions[0].name] = try await subscriptions[0].settle(
                batch,
                orderingKey: orderingKey,
                publishNumber: number
            )
        } else {
            receipts = try await settleAll(subscriptions, batch, orderingKey: orderingKey, number: number)
        }
        return PublishReceipt(messageCount: batch.messageCount, subscriptions: receipts)
    }

    /// What each subscription has seen, by name.
    public func counters() -> [String: SubscriptionCounters] {
        let subscriptions = state.withLock { $0.subscriptions }
        return Dictionary(uniqueKeysWithValues: subscriptions.map { ($0.name, $0.counters) })
    }

    /// Refuses further publishes, also those that wait for room, and returns when everything accepted has settled.
    public func close() async {
        await gate.close(TopicError.closed(topic: name))
    }

    /// Every subscription goes on to its own end, whatever becomes of the others; then the first failure comes out.
    private func settleAll(
        _ subscriptions: [Subscription<Batch>],
        _ batch: Batch,
        orderingKey: String,
        number: Int
    ) async throws -> [String: SubscriptionReceipt] {
        let results = await withTaskGroup(of: (String, Result<SubscriptionReceipt, any Error>).self) { group in
            for subscription in subscriptions {
                group.addTask {
                    do {
                        return (
                            subscription.name,
                            .success(
                                try await subscription.settle(batch, orderingKey: orderingKey, publishNumber: number)
                            )
                        )
                    } catch {
                        return (subscription.name, .failure(error))
                    }
                }
            }
            var results: [String: Result<SubscriptionReceipt, any Error>] = [:]
            for await (name, result) in group { results[name] = result }
            return results
        }
        // In the order of subscribing, so that the same failures give the same error.
        var receipts: [String: SubscriptionReceipt] = [:]
        for subscription in subscriptions { receipts[subscription.name] = try results[subscription.name]?.get() }
        return receipts
    }
}
