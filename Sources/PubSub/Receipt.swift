/// What became of a published batch at one subscription.
public struct SubscriptionReceipt: Sendable, Hashable {
    /// Messages taken.
    public var acked = 0
    /// Messages that became dead letters.
    public var deadLettered = 0
    /// Deliveries beyond the first of each message group: after failures, expired deadlines and splits.
    public var redeliveries = 0
}

/// What became of a published batch: every message of it is settled at every subscription.
public struct PublishReceipt: Sendable, Hashable {
    /// Messages of the batch.
    public var messageCount: Int
    /// By subscription.
    public var subscriptions: [String: SubscriptionReceipt]

    /// Redeliveries at all subscriptions together.
    public var redeliveries: Int { subscriptions.values.reduce(0) { $0 + $1.redeliveries } }
}

/// A batch could not be settled. Publishing it again is safe for subscribers that keep a ledger.
public struct PublishFailure: Error, CustomStringConvertible, Sendable {
    /// The subscription that could not go on.
    public var subscription: String
    /// Its last error.
    public var cause: any Error
    /// Deliveries made for the messages that failed.
    public var attempts: Int
    /// What it had settled before.
    public var settled: SubscriptionReceipt

    /// The subscription and its error.
    public var description: String { "subscription \(subscription), after \(attempts) deliveries: \(cause)" }
}

/// Why a topic refuses.
public enum TopicError: Error, CustomStringConvertible, Sendable {
    /// The topic was closed.
    case closed(topic: String)
    /// There is a subscription of that name, or the topic was published to already.
    case cannotSubscribe(topic: String, subscription: String, why: String)

    /// What was refused and why.
    public var description: String {
        switch self {
        case .closed(let topic): "The topic \(topic) is closed: nothing can be published to it any more."
        case .cannotSubscribe(let topic, let subscription, let why):
            "The subscription \(subscription) cannot be added to topic \(topic): \(why)."
        }
    }
}

/// The deadline passed before the subscriber answered.
public struct AckDeadlineExceeded: Error, CustomStringConvertible, Sendable {
    /// How long it was waited.
    public var deadline: Duration

    /// How long it was waited.
    public var description: String { "no answer within the ack deadline of \(deadline)" }
}

/// What a subscription has seen since it was made.
public struct SubscriptionCounters: Sendable, Hashable {
    /// Messages handed over, each time counted.
    public var delivered = 0
    /// Messages taken.
    public var acked = 0
    /// Messages that became dead letters.
    public var deadLettered = 0
    /// Deliveries beyond the first.
    public var redelivered = 0
    /// Messages that a subscriber said failed, and messages of deliveries that failed as a whole.
    public var nacked = 0
    /// Deliveries that were not answered in time.
    public var expired = 0
    /// Messages with the subscriber now.
    public var inFlight = 0
    /// Messages published and not settled here, those in flight included.
    public var waiting = 0
    /// The last error's text.
    public var lastError: String?
}
