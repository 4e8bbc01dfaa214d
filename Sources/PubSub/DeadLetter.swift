/// Keeps what a subscription could not take.
public protocol DeadLetterHandler<Batch>: Sendable {
    /// The kind of batch whose messages it keeps.
    associatedtype Batch: MessageBatch

    /// Keeps `letter` durably: its message counts as settled as soon as this returns.
    ///
    /// No deadline applies. The same message may come again when its batch is published again, so keeping it twice
    /// should be the same as keeping it once.
    ///
    /// - Throws: When the letter cannot be kept. The publish then fails and the message is not settled.
    func handle(_ letter: DeadLetter<Batch>) async throws
}

/// A message that a subscription gave up.
public struct DeadLetter<Batch: MessageBatch>: Sendable {
    /// A batch that holds just this message.
    public let message: Batch
    /// The name of the topic.
    public let topic: String
    /// The name of the subscription.
    public let subscription: String
    /// The key that the publisher gave.
    public let orderingKey: OrderingKey
    /// Which publish of the topic it comes from; see ``Delivery/publishNumber``.
    public let publishNumber: Int
    /// The message's position in the published batch.
    public let position: Int
    /// What the last delivery failed with.
    public let error: any Error
    /// How often the message was delivered, alone or in company.
    public let attempts: Int

    /// For tests of a handler.
    public init(
        message: Batch,
        topic: String = "topic",
        subscription: String = "subscription",
        orderingKey: OrderingKey = "",
        publishNumber: Int = 1,
        position: Int = 0,
        error: any Error,
        attempts: Int = 1
    ) {
        self.message = message
        self.topic = topic
        self.subscription = subscription
        self.orderingKey = orderingKey
        self.publishNumber = publishNumber
        self.position = position
        self.error = error
        self.attempts = attempts
    }
}
