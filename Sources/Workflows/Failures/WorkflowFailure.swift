/// An error that may end a workflow: thrown out of `run`, it fails the execution. Other errors only fail the turn.
public protocol WorkflowFailure: Error, CustomStringConvertible {
    /// The failure as histories hold it.
    var failureInfo: FailureInfo { get }
}

extension WorkflowFailure {
    /// The type and text, then those of each cause.
    public var description: String { failureInfo.description }
}

/// A failure that user code declares.
public struct ApplicationFailure: WorkflowFailure {
    /// The failure as histories hold it.
    public let failureInfo: FailureInfo

    /// Declares a failure; `type` is what retry policies match, and `nonRetryable` stops an activity's retries.
    public init(type: String, message: String, nonRetryable: Bool = false, cause: (any Error)? = nil) {
        failureInfo = FailureInfo(
            kind: .application(nonRetryable: nonRetryable),
            type: type,
            message: message,
            cause: cause.map { FailureInfo(describing: $0) }
        )
    }

    init(_ info: FailureInfo) { failureInfo = info }

    /// The name that retry policies match.
    public var type: String { failureInfo.type }
    /// The error's text.
    public var message: String { failureInfo.message }
    /// The failure that led to this one.
    public var cause: (any WorkflowFailure)? { failureInfo.cause?.error }
    /// Whether trying again is known to be in vain.
    public var isNonRetryable: Bool { failureInfo.kind == .application(nonRetryable: true) }
}

/// An activity ended without a result, after all its attempts.
public struct ActivityFailure: WorkflowFailure {
    /// The failure as histories hold it.
    public let failureInfo: FailureInfo

    init(_ info: FailureInfo) { failureInfo = info }

    /// The last attempt's failure.
    public var cause: (any WorkflowFailure)? { failureInfo.cause?.error }
    /// Why there was no further attempt.
    public var retryState: RetryState? {
        guard case .activity(_, _, let state) = failureInfo.kind else { return nil }
        return state
    }
    /// The activity's registered name.
    public var activityType: String? {
        guard case .activity(let type, _, _) = failureInfo.kind else { return nil }
        return type
    }
}

/// A child workflow ended without a result.
public struct ChildWorkflowFailure: WorkflowFailure {
    /// The failure as histories hold it.
    public let failureInfo: FailureInfo

    init(_ info: FailureInfo) { failureInfo = info }

    /// How the child ended.
    public var cause: (any WorkflowFailure)? { failureInfo.cause?.error }
    /// The child's workflow id.
    public var workflowID: String? {
        guard case .childWorkflow(_, let workflowID, _) = failureInfo.kind else { return nil }
        return workflowID
    }
    /// The child's last execution; none when it could not be started.
    public var executionID: String? {
        guard case .childWorkflow(_, _, let executionID) = failureInfo.kind else { return nil }
        return executionID
    }
}

/// A time limit passed.
public struct TimeoutFailure: WorkflowFailure {
    /// The failure as histories hold it.
    public let failureInfo: FailureInfo

    /// Says which limit passed, and in `message` how long it was; `lastFailure` is that of the attempt before.
    public init(_ kind: TimeoutKind, message: String, lastFailure: FailureInfo? = nil) {
        failureInfo = FailureInfo(kind: .timeout(kind), type: "TimeoutFailure", message: message, cause: lastFailure)
    }

    init(_ info: FailureInfo) { failureInfo = info }

    /// Which limit passed.
    public var kind: TimeoutKind? {
        guard case .timeout(let kind) = failureInfo.kind else { return nil }
        return kind
    }
}

/// What was asked for was cancelled; thrown out of a workflow that was asked to cancel, it ends it as cancelled.
public struct CanceledFailure: WorkflowFailure {
    /// The failure as histories hold it.
    public let failureInfo: FailureInfo

    /// Gives the reason that whoever cancelled gave.
    public init(reason: String) {
        failureInfo = FailureInfo(kind: .canceled, type: "CanceledFailure", message: reason)
    }

    init(_ info: FailureInfo) { failureInfo = info }

    /// The reason that whoever cancelled gave.
    public var reason: String { failureInfo.message }
}

/// The execution was ended from outside, without a chance to clean up.
public struct TerminatedFailure: WorkflowFailure {
    /// The failure as histories hold it.
    public let failureInfo: FailureInfo

    /// Gives the reason that whoever terminated gave.
    public init(reason: String) {
        failureInfo = FailureInfo(kind: .terminated, type: "TerminatedFailure", message: reason)
    }

    init(_ info: FailureInfo) { failureInfo = info }

    /// The reason that whoever terminated gave.
    public var reason: String { failureInfo.message }
}

extension FailureInfo {
    /// The failure as an error that can be thrown and caught by its type.
    public var error: any WorkflowFailure {
        switch kind {
        case .application: ApplicationFailure(self)
        case .activity: ActivityFailure(self)
        case .childWorkflow: ChildWorkflowFailure(self)
        case .timeout: TimeoutFailure(self)
        case .canceled: CanceledFailure(self)
        case .terminated: TerminatedFailure(self)
        }
    }
}
