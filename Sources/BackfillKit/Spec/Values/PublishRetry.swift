/// How often and when a publish that failed is tried again: the spec's `retry`. Every key is optional.
public struct PublishRetry: Hashable, Sendable {
    /// `maximum-attempts`: the first one included, 1…1,000,000; 10 unless given.
    public var maximumAttempts: Int
    /// `initial-interval`: the wait before the second attempt, such as `500ms`; 1 s unless given.
    public var initialInterval: Duration
    /// `maximum-interval`: what the wait never exceeds; 60 s unless given. Not below the initial interval.
    public var maximumInterval: Duration
    /// `backoff-coefficient`: what the wait is multiplied with after each further failure, 1…100; 2 unless given.
    public var backoffCoefficient: Double
    /// `rules`: looked through in order, the first that matches an error decides.
    public var rules: [PublishRetryRule]

    /// Ten attempts over about four minutes: a database server that restarts is outlasted, a wrong password is known before the coffee is.
    public static let standard = PublishRetry(
        maximumAttempts: 10,
        initialInterval: .seconds(1),
        maximumInterval: .seconds(60),
        backoffCoefficient: 2,
        rules: []
    )
}

/// Tells errors of a publish apart, by type and by the text of their cause. At least one of `error` and `cause` is given.
public struct PublishRetryRule: Hashable, Sendable {
    /// What becomes of an error that the rule matches.
    public enum Action: Hashable, Sendable {
        /// `never`: no further attempt.
        case never
        /// `retry`: another attempt; what stands beside it in the rule replaces what `retry` says.
        case retry(PublishRetryOverrides)
    }

    /// `error`: the name of the error's type; nil matches every type.
    public var errorType: String?
    /// `cause`: a regular expression, searched in the text of the error and its causes; nil matches every text.
    public var causePattern: String?
    /// `action`, required: `never` or `retry`.
    public var action: Action
}

/// What a rule says differently; the keys and bounds are those of ``PublishRetry``.
public struct PublishRetryOverrides: Hashable, Sendable {
    /// `maximum-attempts`.
    public var maximumAttempts: Int?
    /// `initial-interval`.
    public var initialInterval: Duration?
    /// `maximum-interval`.
    public var maximumInterval: Duration?
    /// `backoff-coefficient`.
    public var backoffCoefficient: Double?
}
