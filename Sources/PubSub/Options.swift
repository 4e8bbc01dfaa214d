/// What must stay in order: publishes of one key reach each subscription one after the other.
public typealias OrderingKey = String

/// How much a topic holds before publishers wait. Limits below 1 count as 1.
public struct TopicOptions: Sendable, Hashable {
    /// Messages that are accepted and not yet settled by every subscription.
    public var highWatermarkMessages: Int
    /// The same in bytes.
    public var highWatermarkBytes: Int

    /// A batch beyond a watermark all by itself is accepted alone, once the topic is empty.
    public init(highWatermarkMessages: Int = 100_000, highWatermarkBytes: Int = 64 << 20) {
        self.highWatermarkMessages = highWatermarkMessages
        self.highWatermarkBytes = highWatermarkBytes
    }
}

/// How, and how often, a subscription delivers. Counts below 1 count as 1.
public struct SubscriptionOptions: Sendable, Hashable {
    /// How long a delivery may go unanswered before its task is cancelled and it fails; nil waits without limit.
    public var ackDeadline: Duration?
    /// How many failures of its own make a message a dead letter: those in which the subscriber named it, and those of
    /// a delivery of it alone. Failing in company proves nothing about a message, so its deliveries may be more.
    public var maximumAttempts: Int
    /// How many deliveries of a batch must fail as a whole before it is split. Its parts are delivered once each before
    /// they are split in turn, so one bad message among n is found in at most this plus 2 log₂ n deliveries.
    public var attemptsBeforeSplit: Int
    /// How many deliveries in a row may end in ``SubscriptionUnavailable`` before the publish fails.
    public var maximumUnavailableAttempts: Int
    /// The wait before the same messages come again. The halves of a split do not wait.
    public var backoff: Backoff
    /// Deliveries under way at once, each of another ordering key. A publish in backoff takes no place.
    public var maximumConcurrentDeliveries: Int
    /// Whether cancelling a publisher also cancels the task of a delivery of its batch that is under way. Its answer still counts, and what
    /// it throws is then held against no message. For subscribers that wait for long and leave in good order when told to.
    public var cancelsWithPublisher: Bool

    /// Two attempts before a split keep a passing error from tearing a good batch apart; five minutes are far beyond
    /// any healthy delivery.
    public init(
        ackDeadline: Duration? = .seconds(300),
        maximumAttempts: Int = 5,
        attemptsBeforeSplit: Int = 2,
        maximumUnavailableAttempts: Int = 5,
        backoff: Backoff = Backoff(),
        maximumConcurrentDeliveries: Int = .max,
        cancelsWithPublisher: Bool = false
    ) {
        self.ackDeadline = ackDeadline
        self.maximumAttempts = maximumAttempts
        self.attemptsBeforeSplit = attemptsBeforeSplit
        self.maximumUnavailableAttempts = maximumUnavailableAttempts
        self.backoff = backoff
        self.maximumConcurrentDeliveries = maximumConcurrentDeliveries
        self.cancelsWithPublisher = cancelsWithPublisher
    }
}
