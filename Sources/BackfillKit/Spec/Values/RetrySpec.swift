/// Steps of a run that may have retries of their own: keys of the spec's `retry`, each with the same keys as `retry` itself.
public enum RetryStep: String, Hashable, Sendable, CaseIterable {
    /// Checks and prepares sources and sinks.
    case prepare
    /// Stages a query.
    case stage
    /// Cuts a result into buckets.
    case plan
    /// Runs a hook.
    case hooks
}

/// How often and when a step that failed is tried again: the spec's `retry`, for publishing. Every key is optional.
public struct RetrySpec: Hashable, Sendable {
    /// `maximum-attempts`: the first one included, 1…1,000,000; 10 unless given.
    public var maximumAttempts: Int
    /// `initial-interval`: the wait before the second attempt, such as `500ms`; 1 s unless given.
    public var initialInterval: Duration
    /// `maximum-interval`: what the wait never exceeds; 60 s unless given. Not below the initial interval.
    public var maximumInterval: Duration
    /// `backoff-coefficient`: what the wait is multiplied with after each further failure, 1…100; 2 unless given.
    public var backoffCoefficient: Double
    /// `jitter`: the part of a wait that chance may take away, 0…1; 0.2 unless given.
    public var jitter: Double
    /// `rules`: looked through in order, the first that matches an error decides.
    public var rules: [RetrySpecRule]

    /// Ten attempts over about four minutes: a database server that restarts is outlasted, a wrong password is known before the coffee is.
    public static let standard = RetrySpec(
        maximumAttempts: 10,
        initialInterval: .seconds(1),
        maximumInterval: .seconds(60),
        backoffCoefficient: 2,
        jitter: 0.2,
        rules: []
    )

    /// Ten attempts over about two and a half minutes, for the other steps: a source that is locked is outlasted.
    public static let standardOfSteps = RetrySpec(
        maximumAttempts: 10,
        initialInterval: .seconds(1),
        maximumInterval: .seconds(30),
        backoffCoefficient: 2,
        jitter: 0.2,
        rules: []
    )
}

/// Tells errors of a step apart, by type and by the text of their cause. At least one of `error` and `cause` is given.
public struct RetrySpecRule: Hashable, Sendable {
    /// What becomes of an error that the rule matches.
    public enum Action: Hashable, Sendable {
        /// `never`: no further attempt.
        case never
        /// `retry`: another attempt; what stands beside it in the rule replaces what `retry` says.
        case retry(RetrySpecOverrides)
    }

    /// `error`: the name of the type of the error or of one of its causes; nil matches every type.
    public var errorType: String?
    /// `cause`: a regular expression, searched in the text of the error and its causes; nil matches every text.
    public var causePattern: String?
    /// `action`, required: `never` or `retry`.
    public var action: Action
}

/// What a rule says differently; the keys and bounds are those of ``RetrySpec``.
public struct RetrySpecOverrides: Hashable, Sendable {
    /// `maximum-attempts`.
    public var maximumAttempts: Int?
    /// `initial-interval`.
    public var initialInterval: Duration?
    /// `maximum-interval`.
    public var maximumInterval: Duration?
    /// `backoff-coefficient`.
    public var backoffCoefficient: Double?
    /// `jitter`.
    public var jitter: Double?
}
