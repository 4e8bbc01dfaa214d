public import Foundation

/// Where an execution stands.
public enum ExecutionStatus: String, Sendable, Hashable, Codable, CaseIterable {
    /// Open.
    case running
    /// Ended with a result.
    case completed
    /// Ended with a failure.
    case failed
    /// Ended as asked by a cancellation request.
    case canceled
    /// Ended from outside.
    case terminated
    /// Handed over to the next execution of its chain.
    case continuedAsNew
}

/// Who carries an execution on: a process, or the workers of a cluster.
public struct ExecutionOwner: Sendable, Hashable, Codable, CustomStringConvertible {
    /// The owner's own name, unique for each opening of an engine; a cluster's address.
    public var id: String
    /// The process that opened the engine; nil for a cluster.
    public var processID: Int?
    /// Whether it still lives; a dead owner's executions can be adopted. A cluster is there for its executions as long as they are open.
    public var isAlive: Bool

    /// As people are told: `process 17`, or `the workers of ADDRESS`.
    public var description: String { processID.map { "process \($0)" } ?? "the workers of \(id)" }

    /// Describes an owner.
    public init(id: String, processID: Int?, isAlive: Bool) {
        self.id = id
        self.processID = processID
        self.isAlive = isAlive
    }
}

/// What is known of an execution without reading its history.
public struct ExecutionDescription: Sendable, Hashable {
    /// The name that the whole chain shares.
    public var workflowID: String
    /// This execution's own name.
    public var executionID: String
    /// The chain's first execution.
    public var firstExecutionID: String
    /// The execution that handed over to this one.
    public var previousExecutionID: String?
    /// The registered name of the workflow.
    public var workflowType: String
    /// The execution that started this one as its child.
    public var parent: ParentExecution?
    /// Where it stands.
    public var status: ExecutionStatus
    /// When it was started.
    public var startedAt: Date
    /// When it was closed.
    public var closedAt: Date?
    /// How many events its history holds.
    public var historyLength: Int
    /// Why it waits for a fixed program.
    public var stall: FailureInfo?
    /// Who carries it on, or did.
    public var owner: ExecutionOwner

    /// Describes an execution.
    public init(
        workflowID: String,
        executionID: String,
        firstExecutionID: String,
        previousExecutionID: String?,
        workflowType: String,
        parent: ParentExecution?,
        status: ExecutionStatus,
        startedAt: Date,
        closedAt: Date?,
        historyLength: Int,
        stall: FailureInfo?,
        owner: ExecutionOwner
    ) {
        self.workflowID = workflowID
        self.executionID = executionID
        self.firstExecutionID = firstExecutionID
        self.previousExecutionID = previousExecutionID
        self.workflowType = workflowType
        self.parent = parent
        self.status = status
        self.startedAt = startedAt
        self.closedAt = closedAt
        self.historyLength = historyLength
        self.stall = stall
        self.owner = owner
    }
}

/// Which executions to list; what is not given admits all.
public struct ExecutionFilter: Sendable, Hashable {
    /// Only these states.
    public var statuses: Set<ExecutionStatus>?
    /// Only this workflow type.
    public var workflowType: String?
    /// Only children of this workflow id, whichever execution of it started them.
    public var parentWorkflowID: String?
    /// Only workflow ids that begin so.
    public var workflowIDPrefix: String?

    /// Admits what all the given values admit.
    public init(
        statuses: Set<ExecutionStatus>? = nil,
        workflowType: String? = nil,
        parentWorkflowID: String? = nil,
        workflowIDPrefix: String? = nil
    ) {
        self.statuses = statuses
        self.workflowType = workflowType
        self.parentWorkflowID = parentWorkflowID
        self.workflowIDPrefix = workflowIDPrefix
    }
}

/// One failed attempt of an activity.
public struct ActivityAttempt: Sendable, Hashable {
    /// The execution that scheduled the activity.
    public var executionID: String
    /// The activity's id within its execution.
    public var activityID: String
    /// The activity's registered name.
    public var activityType: String
    /// The event that scheduled it.
    public var scheduledEventID: Int
    /// The attempt's number, from 1.
    public var attempt: Int
    /// When the attempt began.
    public var startedAt: Date
    /// When it failed.
    public var closedAt: Date
    /// How it failed.
    public var failure: FailureInfo
    /// When the next attempt was due; none when this was the last.
    public var nextAttemptAt: Date?

    /// Describes a failed attempt.
    public init(
        executionID: String,
        activityID: String,
        activityType: String,
        scheduledEventID: Int,
        attempt: Int,
        startedAt: Date,
        closedAt: Date,
        failure: FailureInfo,
        nextAttemptAt: Date?
    ) {
        self.executionID = executionID
        self.activityID = activityID
        self.activityType = activityType
        self.scheduledEventID = scheduledEventID
        self.attempt = attempt
        self.startedAt = startedAt
        self.closedAt = closedAt
        self.failure = failure
        self.nextAttemptAt = nextAttemptAt
    }
}
