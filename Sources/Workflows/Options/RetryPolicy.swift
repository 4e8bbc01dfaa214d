/// When a failed attempt of an activity is followed by another.
public struct RetryPolicy: Sendable, Hashable {
    /// The wait before the second attempt.
    public var initialInterval: Duration
    /// What the wait is multiplied with after each further failure; at least 1.
    public var backoffCoefficient: Double
    /// What the wait never exceeds.
    public var maximumInterval: Duration
    /// The part of a wait that chance may take away, from 0 (none) to 1 (all of it): keeps what failed together from coming back together.
    public var jitter: Double
    /// How many attempts there may be, the first included; 0 sets no limit.
    public var maximumAttempts: Int
    /// Type names of errors that are not worth another attempt.
    public var nonRetryableErrorTypes: [String]
    /// Looked through in order before anything else; the first that matches decides.
    public var rules: [RetryRule]

    /// Temporal's defaults: 1 s, doubling, at most 100 s, without jitter, without end.
    public init(
        initialInterval: Duration = .seconds(1),
        backoffCoefficient: Double = 2,
        maximumInterval: Duration = .seconds(100),
        jitter: Double = 0,
        maximumAttempts: Int = 0,
        nonRetryableErrorTypes: [String] = [],
        rules: [RetryRule] = []
    ) {
        self.initialInterval = initialInterval
        self.backoffCoefficient = backoffCoefficient
        self.maximumInterval = maximumInterval
        self.jitter = jitter
        self.maximumAttempts = maximumAttempts
        self.nonRetryableErrorTypes = nonRetryableErrorTypes
        self.rules = rules
    }

    /// One attempt, whatever happens.
    public static let never = RetryPolicy(maximumAttempts: 1)
}

/// Tells errors apart by type and by the text of their causes.
public struct RetryRule: Sendable, Hashable, Codable {
    /// What becomes of an error that a rule matches.
    public enum Action: Sendable, Hashable, Codable {
        /// No further attempt.
        case never
        /// Another attempt, even when the error calls itself non-retryable, with some of the policy's values replaced.
        case retry(RetryOverrides)
    }

    /// The type name of the error or of one of its causes; none matches every type.
    public var errorType: String?
    /// A regular expression, searched in the text of the error and of all its causes; none matches every text.
    public var causePattern: String?
    /// What becomes of an error that the rule matches.
    public var action: Action

    /// Matches errors that have both the type and the text.
    public init(errorType: String? = nil, causePattern: String? = nil, action: Action) {
        self.errorType = errorType
        self.causePattern = causePattern
        self.action = action
    }
}

/// Values that replace the policy's where given.
public struct RetryOverrides: Sendable, Hashable {
    /// The wait before the second attempt.
    public var initialInterval: Duration?
    /// What the wait is multiplied with after each further failure.
    public var backoffCoefficient: Double?
    /// What the wait never exceeds.
    public var maximumInterval: Duration?
    /// The part of a wait that chance may take away, 0…1.
    public var jitter: Double?
    /// How many attempts there may be, the first included; 0 sets no limit.
    public var maximumAttempts: Int?

    /// Replaces what is given.
    public init(
        initialInterval: Duration? = nil,
        backoffCoefficient: Double? = nil,
        maximumInterval: Duration? = nil,
        jitter: Double? = nil,
        maximumAttempts: Int? = nil
    ) {
        self.initialInterval = initialInterval
        self.backoffCoefficient = backoffCoefficient
        self.maximumInterval = maximumInterval
        self.jitter = jitter
        self.maximumAttempts = maximumAttempts
    }
}

extension RetryPolicy: Codable {
    private enum CodingKeys: String, CodingKey {
        case initialInterval, backoffCoefficient, maximumInterval, jitter, maximumAttempts, nonRetryableErrorTypes,
            rules
    }

    /// Reads durations in seconds; what is missing has its default.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let standard = RetryPolicy()
        self.init(
            initialInterval: try container.seconds(forKey: .initialInterval) ?? standard.initialInterval,
            backoffCoefficient: try container.decodeIfPresent(Double.self, forKey: .backoffCoefficient)
                ?? standard.backoffCoefficient,
            maximumInterval: try container.seconds(forKey: .maximumInterval) ?? standard.maximumInterval,
            jitter: try container.decodeIfPresent(Double.self, forKey: .jitter) ?? standard.jitter,
            maximumAttempts: try container.decodeIfPresent(Int.self, forKey: .maximumAttempts)
                ?? standard.maximumAttempts,
            nonRetryableErrorTypes: try container.decodeIfPresent([String].self, forKey: .nonRetryableErrorTypes) ?? [],
            rules: try container.decodeIfPresent([RetryRule].self, forKey: .rules) ?? []
        )
    }

    /// Writes durations in seconds.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(seconds: initialInterval, forKey: .initialInterval)
        try container.encode(backoffCoefficient, forKey: .backoffCoefficient)
        try container.encode(seconds: maximumInterval, forKey: .maximumInterval)
        if jitter > 0 { try container.encode(jitter, forKey: .jitter) }
        try container.encode(maximumAttempts, forKey: .maximumAttempts)
        if !nonRetryableErrorTypes.isEmpty {
            try container.encode(nonRetryableErrorTypes, forKey: .nonRetryableErrorTypes)
        }
        if !rules.isEmpty { try container.encode(rules, forKey: .rules) }
    }
}

extension RetryOverrides: Codable {
    private enum CodingKeys: String, CodingKey {
        case initialInterval, backoffCoefficient, maximumInterval, jitter, maximumAttempts
    }

    /// Reads durations in seconds.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            initialInterval: try container.seconds(forKey: .initialInterval),
            backoffCoefficient: try container.decodeIfPresent(Double.self, forKey: .backoffCoefficient),
            maximumInterval: try container.seconds(forKey: .maximumInterval),
            jitter: try container.decodeIfPresent(Double.self, forKey: .jitter),
            maximumAttempts: try container.decodeIfPresent(Int.self, forKey: .maximumAttempts)
        )
    }

    /// Writes durations in seconds.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(seconds: initialInterval, forKey: .initialInterval)
        try container.encodeIfPresent(backoffCoefficient, forKey: .backoffCoefficient)
        try container.encode(seconds: maximumInterval, forKey: .maximumInterval)
        try container.encodeIfPresent(jitter, forKey: .jitter)
        try container.encodeIfPresent(maximumAttempts, forKey: .maximumAttempts)
    }
}
