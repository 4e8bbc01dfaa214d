/// How much a topic holds.
public struct TopicOptions: Sendable {
    /// Messages published and not settled; a publisher waits when its batch would go above.
    public var highWatermarkMessages: Int
    /// The same in bytes.
    public var highWatermarkBytes: Int

    /// A batch that is larger than a watermark by itself is admitted when the topic is empty.
    public init(highWatermarkMessages: Int = 100_000, highWatermarkBytes: Int = 64 << 20) {
        self.highWatermarkMessages = highWatermarkMessages
        self.highWatermarkBytes = highWatermarkBytes
    }
}

/// How a subscription delivers, and how often.
public struct SubscriptionOptions: Sendable {
    /// How long a delivery may go unanswered; nil waits for ever.
    public var ackDeadline: Duration?
    /// Deliveries of a message before it becomes a dead letter.
    public var maximumAttempts: Int
    /// Deliveries of a whole batch that fails as a whole before it is split. Its halves are delivered once each before they are
    /// split again, so one bad message among n costs about 2 log n deliveries.
    public var attemptsBeforeSplit: Int
    /// Deliveries while the subscriber says that it is unavailable, before the publish fails.
    public var maximumUnavailableAttempts: Int
    /// The wait before a redelivery.
    public var backoff: Backoff
    /// Deliveries of different keys under way at once; nil sets no limit.
    public var maximumConcurrentDeliveries: Int?

    /// Defaults for a subscriber within the same process: five attempts within a few seconds.
    public init(
        ackDeadline: Duration? = .seconds(300),
        maximumAttempts: Int = 5,
        attemptsBeforeSplit: Int = 2,
        maximumUnavailableAttempts: Int = 3,
        backoff: Backoff = Backoff(),
        maximumConcurrentDeliveries: Int? = nil
    ) {
        self.ackDeadline = ackDeadline
        self.maximumAttempts = max(1, maximumAttempts)
        self.attemptsBeforeSplit = max(1, attemptsBeforeSplit)
        self.maximumUnavailableAttempts = max(1, maximumUnavailableAttempts)
        self.backoff = backoff
        self.maximumConcurrentDeliveries = maximumConcurrentDeliveries
    }
}

/// Waits that grow with each failure.
public struct Backoff: Sendable {
    /// Before the second delivery.
    public var initial: Duration
    /// What each further wait is multiplied with.
    public var coefficient: Double
    /// No wait is longer.
    public var maximum: Duration
    /// The share of a wait that is left to chance, 0 to 1, so that many who failed together do not come again together.
    public var jitter: Double

    /// 100 ms, doubling, at most 10 s, a fifth of it by chance.
    public init(
        initial: Duration = .milliseconds(100),
        coefficient: Double = 2,
        maximum: Duration = .seconds(10),
        jitter: Double = 0.2
    ) {
        self.initial = initial
        self.coefficient = coefficient
        self.maximum = maximum
        self.jitter = jitter
    }

    /// The wait after the `failures`-th failure in a row.
    ///
    /// - Parameter chance: 0 ..< 1; takes up to ``jitter`` off the wait.
    public func wait(afterFailures failures: Int, chance: Double) -> Duration {
        var wait = initial
        // A loop with an end: a power of a coefficient overflows long before the maximum is compared with it.
        for _ in 1..<max(1, failures) {
            wait = wait * coefficient
            if wait >= maximum { break }
        }
        return min(wait, maximum) * (1 - jitter * chance)
    }
}
