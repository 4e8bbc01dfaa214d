import Synchronization

/// Brings every published batch to every subscription.
///
/// - Bounded: what is accepted and not settled by every subscription stays below the high watermark, and publishers wait
///   for room, first come first served. So a slow or failing subscription holds up publishers, and through them all
///   subscriptions; it never changes what another one gets.
/// - In order: of one ordering key a subscription gets one delivery at a time, and nothing of a publish before the one
///   before is over. Within a publish messages come in the order of their positions, except that those behind a failed
///   message do not wait for its redelivery.
/// - At least once: messages come again after a failure or an expired ack deadline, even while the subscriber is still
///   at work on them, and when a failed or cancelled publish is repeated.
public final class Topic<Batch: MessageBatch>: Sendable {
    /// Names the topic in deliveries and errors.
    public let name: String
    private let runner: TopicRunner
    /// In the order of the machine's subscriptions.
    private let endpoints = Mutex<[Endpoint<Batch>]>([])

    /// - Parameters:
    ///   - clock: Measures ack deadlines and backoff.
    ///   - randomness: From 0 to 1, for the jitter of backoff.
    public init(
        name: String,
        options: TopicOptions = TopicOptions(),
        clock: any Clock<Duration> = ContinuousClock(),
        randomness: @escaping @Sendable () -> Double = { .random(in: 0...1) }
    ) {
        self.name = name
        runner = TopicRunner(name: name, options: options, time: TopicTime(clock), randomness: randomness)
    }

    deinit {
        runner.stopAlarm()
    }

    /// Adds a subscription, which gets every batch published from now on.
    ///
    /// - Throws: ``TopicError`` if the name is taken or the topic is closed.
    public func subscribe(
        _ name: String,
        options: SubscriptionOptions = SubscriptionOptions(),
        subscriber: any Subscriber<Batch>,
        deadLetters: any DeadLetterHandler<Batch>
    ) throws {
        let endpoint = Endpoint(name: name, subscriber: subscriber, deadLetters: deadLetters)
        try endpoints.withLock { endpoints in
            try runner.subscribe(name, options: options)
            endpoints.append(endpoint)
        }
    }

    /// Publishes a batch, and returns when every subscription has settled every message of it: the subscriber acked it,
    /// or the dead letter handler keeps it. A batch without messages is settled without a delivery.
    ///
    /// Cancelling the caller's task withdraws what is not under way; deliveries and dead letters that are, run to their
    /// end first. Deliveries are told of it only where ``SubscriptionOptions/cancelsWithPublisher`` says so.
    ///
    /// - Throws: ``PublishFailure`` when a subscription gives up, after the others have ended, and in its wake for the
    ///   publishes of the same key that are queued behind; ``TopicError`` when the topic is closed or has no
    ///   subscription; `CancellationError` when the caller's task is cancelled.
    public func publish(_ batch: Batch, orderingKey: OrderingKey) async throws -> PublishReceipt {
        try Task.checkCancellation()
        let weight = AdmissionMachine.Weight(messages: batch.messageCount, bytes: batch.byteCount)
        let endpoints = endpoints.withLock { $0 }
        let number = runner.nextPublish()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let publisher = BatchPublisher(
                    batch: batch,
                    messageCount: weight.messages,
                    key: orderingKey,
                    topic: name,
                    endpoints: endpoints,
                    continuation: continuation
                )
                runner.publish(number, publisher, key: orderingKey, weight: weight, subscriptions: endpoints.count)
                // A cancellation before the runner knew of the publish has passed it by.
                if Task.isCancelled { runner.cancel(number) }
            }
        } onCancel: {
            runner.cancel(number)
        }
    }

    /// What each subscription has done so far, by name.
    public func counters() -> [String: SubscriptionCounters] { runner.counters() }

    /// Refuses publishes from now on, and returns when all earlier ones are over, those that wait for room included.
    ///
    /// Cancelling the caller's task does not cut it short; cancel the publishers for that. A delivery that has outlived
    /// its ack deadline is not waited for. May be called several times.
    public func close() async {
        await runner.close()
    }
}
