/// A failure as histories hold it: what kind it is, its type and text, and those of its causes.
public struct FailureInfo: Sendable, Hashable, Codable {
    /// Which of Temporal's failures it is, with what that kind alone carries.
    public enum Kind: Sendable, Hashable, Codable {
        /// An error that user code threw.
        case application(nonRetryable: Bool)
        /// An activity ended without a result; the cause says how.
        case activity(activityType: String, activityID: String, retryState: RetryState)
        /// A child workflow ended without a result; the cause says how.
        case childWorkflow(workflowType: String, workflowID: String, executionID: String?)
        /// A time limit passed.
        case timeout(TimeoutKind)
        /// Cancelled on request.
        case canceled
        /// Ended from outside, without a chance to clean up.
        case terminated
    }

    /// Which of Temporal's failures it is.
    public var kind: Kind
    /// The error's type name, which retry policies match.
    public var type: String
    /// The error's text.
    public var message: String
    private var causes: [FailureInfo]

    /// The failure that led to this one.
    public var cause: FailureInfo? {
        get { causes.first }
        set { causes = newValue.map { [$0] } ?? [] }
    }

    /// Describes a failure.
    public init(kind: Kind, type: String, message: String, cause: FailureInfo? = nil) {
        self.kind = kind
        self.type = type
        self.message = message
        self.causes = cause.map { [$0] } ?? []
    }

    /// This failure and all its causes, outermost first.
    public var chain: [FailureInfo] {
        var chain = [self]
        while let next = chain.last?.cause { chain.append(next) }
        return chain
    }

    /// Whether this failure, or one of its causes, is a cancellation.
    public var isCancellation: Bool { chain.contains { $0.kind == .canceled } }

    private enum CodingKeys: String, CodingKey { case kind, type, message, cause }

    /// Reads what ``encode(to:)`` wrote.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            kind: try container.decode(Kind.self, forKey: .kind),
            type: try container.decode(String.self, forKey: .type),
            message: try container.decode(String.self, forKey: .message),
            cause: try container.decodeIfPresent(FailureInfo.self, forKey: .cause)
        )
    }

    /// Writes an object with the keys `kind`, `type`, `message` and, when there is one, `cause`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(kind, forKey: .kind)
        try container.encode(type, forKey: .type)
        try container.encode(message, forKey: .message)
        try container.encodeIfPresent(cause, forKey: .cause)
    }
}

extension FailureInfo: CustomStringConvertible {
    /// `type: message`, then each cause after an arrow.
    public var description: String {
        chain.map { $0.message.isEmpty ? $0.type : "\($0.type): \($0.message)" }.joined(separator: " ← ")
    }
}

/// Which time limit of an activity passed.
public enum TimeoutKind: String, Sendable, Hashable, Codable, CaseIterable {
    /// One attempt took too long.
    case startToClose
    /// No worker took the activity up in time.
    case scheduleToStart
    /// All attempts together took too long.
    case scheduleToClose
    /// An attempt fell silent.
    case heartbeat
}

/// Why an activity was not tried again.
public enum RetryState: String, Sendable, Hashable, Codable {
    /// The error, or a rule that matched it, forbids it.
    case nonRetryableFailure
    /// The policy's attempts are used up.
    case maximumAttemptsReached
    /// The time limit passed, or would pass before the next attempt.
    case timeout
    /// Cancellation was requested.
    case cancelRequested
}
