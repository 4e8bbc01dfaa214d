/// Takes deliveries of a subscription.
public protocol Subscriber<Batch>: Sendable {
    /// The batches it takes.
    associatedtype Batch: MessageBatch

    /// Takes one delivery and says what became of it.
    ///
    /// Deliveries of one ordering key come one after the other, those of different keys at the same time. When the ack deadline
    /// passes first, this task is cancelled, its late answer is ignored, and the delivery comes again: so the same messages may
    /// be with the subscriber twice at the same time. A subscriber that must not take a message twice keeps a ledger.
    ///
    /// - Throws: an error that conforms to ``SubscriptionUnavailable`` when the subscriber as such can take nothing now; any other
    ///   error says that the delivery failed as a whole: it comes again, then in halves, down to the bad message.
    func receive(_ delivery: Delivery<Batch>) async throws -> DeliveryOutcome
}

/// What a subscriber is handed.
public struct Delivery<Batch: MessageBatch>: Sendable {
    /// The messages.
    public let batch: Batch
    /// The topic's name.
    public let topic: String
    /// The subscription's name.
    public let subscription: String
    /// Deliveries of one key keep their order.
    public let orderingKey: String
    /// Counts the topic's publishes from 1; with ``firstPosition`` it identifies each message within the topic's life.
    public let publishNumber: Int
    /// The position of the delivery's first message in the published batch.
    public let firstPosition: Int
    /// How often these messages have been delivered, this time included.
    public let attempt: Int
}

/// What became of a delivery.
public enum DeliveryOutcome: Sendable {
    /// Every message is taken.
    case acknowledged
    /// The messages at these positions failed, all others are taken. The failed ones come again, and become dead letters after
    /// the last attempt.
    case failed([MessageFailure])
    /// The messages before this position are taken; this one can never be taken and becomes a dead letter now. Those behind it were
    /// not tried and come next.
    case rejected(at: Int, any Error)
}

/// One message of a delivery failed.
public struct MessageFailure: Sendable {
    /// Position in the delivery, from 0.
    public var position: Int
    /// Why.
    public var error: any Error

    /// Names a message and why it failed.
    public init(position: Int, error: any Error) {
        self.position = position
        self.error = error
    }
}

/// An error that blames the subscriber, not the messages: its store is gone, locked or full. Nothing becomes a dead letter; the whole
/// delivery comes again, and after the last attempt the publish fails.
public protocol SubscriptionUnavailable: Error {}

/// Takes dead letters of a subscription.
public protocol DeadLetterHandler<Batch>: Sendable {
    /// The batches whose messages it takes.
    associatedtype Batch: MessageBatch

    /// Keeps a dead letter. Its message counts as settled when this returns, so it must be durable then; the same one may come again.
    ///
    /// - Throws: when it cannot be kept; the publish fails then.
    func handle(_ letter: DeadLetter<Batch>) async throws
}

/// A message that a subscription could not take.
public struct DeadLetter<Batch: MessageBatch>: Sendable {
    /// A batch of just that message.
    public let message: Batch
    /// The topic's name.
    public let topic: String
    /// The subscription's name.
    public let subscription: String
    /// The last error.
    public let error: any Error
    /// How often it was delivered.
    public let attempts: Int
}
