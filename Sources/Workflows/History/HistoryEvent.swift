public import Foundation

/// One step of an execution, with Temporal's names and meanings.
///
/// WorkflowTaskScheduled and WorkflowTaskStarted are left out: they would hold nothing that workflow code may see and WorkflowTaskCompleted
/// does not, whose timestamp is the turn's time (Temporal's is WorkflowTaskStarted's).
public struct HistoryEvent: Sendable, Hashable {
    /// The place in the history, from 1; without gaps in the embedded engine's, while in one read from Temporal the places of events that
    /// are left out are missing.
    public var id: Int
    /// When it happened, in whole milliseconds.
    public var timestamp: Date
    /// What happened.
    public var attributes: Attributes

    /// An event at its place.
    public init(id: Int, timestamp: Date, attributes: Attributes) {
        self.id = id
        self.timestamp = timestamp
        self.attributes = attributes
    }

    /// What happened; the numbers are ids of earlier events of the same history.
    public enum Attributes: Sendable, Hashable {
        case workflowExecutionStarted(WorkflowExecutionStarted)
        case workflowExecutionSignaled(signalName: String, input: Payload)
        case workflowExecutionCancelRequested(reason: String)
        /// A turn. Whether whoever keeps the history suggested then to continue as new; the embedded engine never does.
        case workflowTaskCompleted(suggestsContinueAsNew: Bool = false)
        case activityTaskScheduled(ActivityTaskScheduled)
        case activityTaskStarted(scheduledEventID: Int, attempt: Int, lastFailure: FailureInfo?)
        case activityTaskCompleted(scheduledEventID: Int, startedEventID: Int, result: Payload)
        case activityTaskFailed(
            scheduledEventID: Int,
            startedEventID: Int,
            failure: FailureInfo,
            retryState: RetryState
        )
        case activityTaskTimedOut(
            scheduledEventID: Int,
            startedEventID: Int,
            failure: FailureInfo,
            retryState: RetryState
        )
        case activityTaskCancelRequested(scheduledEventID: Int)
        case activityTaskCanceled(scheduledEventID: Int, startedEventID: Int, reason: String)
        case timerStarted(timerID: String, startToFire: Duration)
        case timerFired(timerID: String, startedEventID: Int)
        case timerCanceled(timerID: String, startedEventID: Int)
        case startChildWorkflowExecutionInitiated(StartChildWorkflowExecutionInitiated)
        case startChildWorkflowExecutionFailed(initiatedEventID: Int, failure: FailureInfo)
        case childWorkflowExecutionStarted(initiatedEventID: Int, executionID: String)
        case childWorkflowExecutionCompleted(initiatedEventID: Int, executionID: String, result: Payload)
        case childWorkflowExecutionFailed(initiatedEventID: Int, executionID: String, failure: FailureInfo)
        case childWorkflowExecutionCanceled(initiatedEventID: Int, executionID: String, failure: FailureInfo)
        case childWorkflowExecutionTerminated(initiatedEventID: Int, executionID: String, failure: FailureInfo)
        case requestCancelExternalWorkflowExecutionInitiated(workflowID: String, childInitiatedEventID: Int)
        case workflowExecutionCompleted(result: Payload)
        case workflowExecutionFailed(failure: FailureInfo)
        case workflowExecutionCanceled(failure: FailureInfo)
        case workflowExecutionTerminated(reason: String)
        case workflowExecutionContinuedAsNew(newExecutionID: String, input: Payload)
    }
}

/// The execution that started another as its child.
public struct ParentExecution: Sendable, Hashable, Codable {
    /// The parent's workflow id.
    public var workflowID: String
    /// The parent's execution id.
    public var executionID: String
    /// The event of the parent's history that asked for the child.
    public var initiatedEventID: Int

    /// Names the parent.
    public init(workflowID: String, executionID: String, initiatedEventID: Int) {
        self.workflowID = workflowID
        self.executionID = executionID
        self.initiatedEventID = initiatedEventID
    }
}

/// The first event of every history.
public struct WorkflowExecutionStarted: Sendable, Hashable, Codable {
    /// The name that the chain shares.
    public var workflowID: String
    /// This execution's name, which also seeds its randomness.
    public var executionID: String
    /// The chain's first execution.
    public var firstExecutionID: String
    /// The execution that handed over to this one.
    public var continuedExecutionID: String?
    /// How many executions of the chain came before.
    public var continuedCount: Int
    /// The workflow's registered name.
    public var workflowType: String
    /// What `run` is called with.
    public var input: Payload
    /// The execution that started this one as its child.
    public var parent: ParentExecution?
    /// How long the history may grow.
    public var historyLimit: HistoryLimit

    /// The start of an execution.
    public init(
        workflowID: String,
        executionID: String,
        firstExecutionID: String,
        continuedExecutionID: String? = nil,
        continuedCount: Int = 0,
        workflowType: String,
        input: Payload,
        parent: ParentExecution? = nil,
        historyLimit: HistoryLimit = HistoryLimit()
    ) {
        self.workflowID = workflowID
        self.executionID = executionID
        self.firstExecutionID = firstExecutionID
        self.continuedExecutionID = continuedExecutionID
        self.continuedCount = continuedCount
        self.workflowType = workflowType
        self.input = input
        self.parent = parent
        self.historyLimit = historyLimit
    }
}

/// The workflow asked for an activity.
public struct ActivityTaskScheduled: Sendable, Hashable {
    /// The activity's id within its execution.
    public var activityID: String
    /// The activity's registered name.
    public var activityType: String
    /// What it is called with.
    public var input: Payload
    /// Its time limits and retries.
    public var options: ActivityOptions

    /// A call of an activity.
    public init(activityID: String, activityType: String, input: Payload, options: ActivityOptions) {
        self.activityID = activityID
        self.activityType = activityType
        self.input = input
        self.options = options
    }
}

/// The workflow asked for a child.
public struct StartChildWorkflowExecutionInitiated: Sendable, Hashable {
    /// The child's workflow id.
    public var workflowID: String
    /// The child's registered workflow name.
    public var workflowType: String
    /// What the child is started with.
    public var input: Payload
    /// How it is started, and what happens when the parent closes.
    public var options: ChildWorkflowOptions

    /// A request for a child.
    public init(workflowID: String, workflowType: String, input: Payload, options: ChildWorkflowOptions) {
        self.workflowID = workflowID
        self.workflowType = workflowType
        self.input = input
        self.options = options
    }
}
