/// Takes the messages of one subscription.
///
/// Up to `maximumConcurrentDeliveries` calls run at once, for different ordering keys. A delivery that outlives its ack
/// deadline is cancelled and sent again, while the earlier call may still be running: the topic never promises that a
/// message is handled once only. A subscriber whose effects may not happen twice keeps a ledger of what it has taken.
public protocol Subscriber<Batch>: Sendable {
    /// The kind of batch whose topic this can subscribe to.
    associatedtype Batch: MessageBatch

    /// Takes the messages of `delivery` and says which of them are done.
    ///
    /// A thrown error leaves every message of the delivery unacked. One that conforms to ``SubscriptionUnavailable`` is
    /// never held against a message: the whole is delivered again, or the publish fails. After any other, the delivery
    /// is repeated, then split in halves until the bad message stands alone.
    func receive(_ delivery: Delivery<Batch>) async throws -> DeliveryOutcome
}

/// Neighbouring messages of one publish, on their way to one subscription.
public struct Delivery<Batch: MessageBatch>: Sendable {
    /// The messages delivered: the published batch, or a slice of it.
    public let batch: Batch
    /// The name of the topic.
    public let topic: String
    /// The name of the subscription.
    public let subscription: String
    /// The key that the publisher gave.
    public let orderingKey: OrderingKey
    /// Which publish of the topic this is, from 1; with a message's position in the published batch it names the
    /// message within the topic's lifetime.
    public let publishNumber: Int
    /// The position in the published batch of the first message of `batch`.
    public let firstPosition: Int
    /// 1 when these messages are delivered for the first time, one more each time they are delivered again, be it in
    /// this or in larger company.
    public let attempt: Int

    /// For tests of a subscriber.
    public init(
        batch: Batch,
        topic: String,
        subscription: String,
        orderingKey: OrderingKey,
        publishNumber: Int,
        firstPosition: Int,
        attempt: Int
    ) {
        self.batch = batch
        self.topic = topic
        self.subscription = subscription
        self.orderingKey = orderingKey
        self.publishNumber = publishNumber
        self.firstPosition = firstPosition
        self.attempt = attempt
    }
}

/// What a subscriber made of a delivery. Positions count within the delivery's own batch.
public enum DeliveryOutcome: Sendable {
    /// Every message is done.
    case acknowledged
    /// These messages failed; all others of the delivery are acked. Those that failed for good become dead letters at once, the others are
    /// delivered again after a backoff.
    case failed([MessageFailure])
    /// The messages before this position are acked; the one at it can never succeed and becomes a dead letter at once.
    /// Those after it were not tried: they are delivered next, with the same attempt number as now.
    case rejected(at: Int, any Error)
}

/// One message of a delivery that a subscriber could not take.
public struct MessageFailure: Sendable {
    /// Within the delivery's batch.
    public var position: Int
    /// Kept in the dead letter, should this turn out to be the last attempt.
    public var error: any Error
    /// Whether it can never succeed: it becomes a dead letter at once.
    public var isPermanent: Bool

    /// Names the message at `position` of the delivery's batch.
    public init(position: Int, error: any Error, isPermanent: Bool = false) {
        self.position = position
        self.error = error
        self.isPermanent = isPermanent
    }
}
