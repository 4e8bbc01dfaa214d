/// How a published batch was settled.
public struct PublishReceipt: Sendable, Hashable {
    /// The messages of the batch.
    public var messageCount: Int
    /// By the subscription's name. When the publish succeeded, acked and dead-lettered messages of each subscription
    /// add up to `messageCount`.
    public var subscriptions: [String: SubscriptionReceipt]

    /// Dead letters of all subscriptions; a message that two of them gave up counts twice.
    public var deadLettered: Int { subscriptions.values.reduce(0) { $0 + $1.deadLettered } }
    /// Messages of all subscriptions that were delivered again, counted each time.
    public var redeliveries: Int { subscriptions.values.reduce(0) { $0 + $1.redeliveries } }

    /// Receipts come from ``Topic/publish(_:orderingKey:)``; this is for tests of what reads them.
    public init(messageCount: Int, subscriptions: [String: SubscriptionReceipt]) {
        self.messageCount = messageCount
        self.subscriptions = subscriptions
    }
}

/// What one subscription settled of a published batch, in messages.
public struct SubscriptionReceipt: Sendable, Hashable {
    /// Messages that the subscriber took.
    public var acked: Int
    /// Messages that the dead letter handler keeps.
    public var deadLettered: Int
    /// Messages delivered again, counted each time.
    public var redeliveries: Int

    /// The messages that need nothing more.
    var settled: Int { acked + deadLettered }

    /// Nothing settled, unless told otherwise.
    public init(acked: Int = 0, deadLettered: Int = 0, redeliveries: Int = 0) {
        self.acked = acked
        self.deadLettered = deadLettered
        self.redeliveries = redeliveries
    }
}
