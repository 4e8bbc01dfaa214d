/// Time limits and retries of one call of an activity.
public struct ActivityOptions: Sendable, Hashable {
    /// What happens to the waiting workflow code when it is cancelled while the activity is open.
    public enum CancellationType: String, Sendable, Hashable, Codable {
        /// Asks the activity to stop and waits for how it ends; a result that comes all the same is kept.
        case waitCancellationCompleted
        /// Asks the activity to stop and goes on at once.
        case tryCancel
        /// Goes on at once and lets the activity run.
        case abandon
    }

    /// How long one attempt may run.
    public var startToClose: Duration
    /// How long an attempt may wait for a worker; passing it is not retried, since a new attempt would wait too.
    public var scheduleToStart: Duration?
    /// How long all attempts may take together, waits included.
    public var scheduleToClose: Duration?
    /// How long an attempt may go without a heartbeat.
    public var heartbeatTimeout: Duration?
    /// When a failed attempt is followed by another.
    public var retryPolicy: RetryPolicy
    /// What happens when the calling code is cancelled.
    public var cancellationType: CancellationType

    /// Every attempt has a limit, since an attempt that hangs for ever would hold its workflow for ever.
    public init(
        startToClose: Duration,
        scheduleToStart: Duration? = nil,
        scheduleToClose: Duration? = nil,
        heartbeatTimeout: Duration? = nil,
        retryPolicy: RetryPolicy = RetryPolicy(),
        cancellationType: CancellationType = .waitCancellationCompleted
    ) {
        self.startToClose = startToClose
        self.scheduleToStart = scheduleToStart
        self.scheduleToClose = scheduleToClose
        self.heartbeatTimeout = heartbeatTimeout
        self.retryPolicy = retryPolicy
        self.cancellationType = cancellationType
    }
}

extension ActivityOptions: Codable {
    private enum CodingKeys: String, CodingKey {
        case startToClose, scheduleToStart, scheduleToClose, heartbeatTimeout, retryPolicy, cancellationType
    }

    /// Reads durations in seconds.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        guard let startToClose = try container.seconds(forKey: .startToClose) else {
            throw DecodingError.keyNotFound(
                CodingKeys.startToClose,
                DecodingError.Context(codingPath: container.codingPath, debugDescription: "An attempt has no limit.")
            )
        }
        self.init(
            startToClose: startToClose,
            scheduleToStart: try container.seconds(forKey: .scheduleToStart),
            scheduleToClose: try container.seconds(forKey: .scheduleToClose),
            heartbeatTimeout: try container.seconds(forKey: .heartbeatTimeout),
            retryPolicy: try container.decode(RetryPolicy.self, forKey: .retryPolicy),
            cancellationType: try container.decode(CancellationType.self, forKey: .cancellationType)
        )
    }

    /// Writes durations in seconds.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(seconds: startToClose, forKey: .startToClose)
        try container.encode(seconds: scheduleToStart, forKey: .scheduleToStart)
        try container.encode(seconds: scheduleToClose, forKey: .scheduleToClose)
        try container.encode(seconds: heartbeatTimeout, forKey: .heartbeatTimeout)
        try container.encode(retryPolicy, forKey: .retryPolicy)
        try container.encode(cancellationType, forKey: .cancellationType)
    }
}
