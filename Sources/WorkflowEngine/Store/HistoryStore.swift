public import Foundation
public import Workflows

/// Where an engine keeps executions and their histories. One call of ``commit(_:)`` is one transaction: after a crash all of it is
/// there, or nothing.
///
/// All that is pending (activities, timers, children) follows from the histories, so nothing else has to be stored for recovery.
public protocol HistoryStore: Sendable {
    /// Writes all, in order, or nothing. Returns when it is durable.
    func commit(_ writes: [StoreWrite]) async throws

    /// The events of an execution, in order; empty when it is unknown.
    func history(of executionID: String) async throws -> [HistoryEvent]
    /// An execution.
    func execution(_ executionID: String) async throws -> ExecutionRecord?
    /// All executions of a workflow id, oldest first.
    func chain(of workflowID: String) async throws -> [ExecutionRecord]
    /// Executions that a filter admits, oldest first.
    func executions(_ filter: ExecutionFilter) async throws -> [ExecutionRecord]
    /// Open executions whose parent is one of these executions.
    func openChildren(of executionIDs: [String]) async throws -> [ExecutionRecord]
    /// Failed attempts of an execution's activities, oldest first.
    func attempts(of executionID: String) async throws -> [ActivityAttempt]
    /// The last heartbeat details of an execution's activities, by the event that scheduled them.
    func heartbeats(of executionID: String) async throws -> [Int: Payload]

    /// Leaves a request for the owner of an execution. Other processes call this.
    func append(_ request: EngineRequest) async throws
    /// Requests that nobody has taken, oldest first, for workflow ids that the owner has open.
    func requests(for ownerID: String) async throws -> [StoredRequest]
    /// Changes whenever another connection may have left a request; cheap.
    func changeMark() async throws -> Int

    /// Makes an owner known, and alive until its process ends or it is released.
    func register(owner: ExecutionOwner) async throws
    /// What is known of an owner.
    func owner(_ ownerID: String) async throws -> ExecutionOwner?
    /// Says that an owner has left.
    func release(ownerID: String) async
}

/// An execution as a store keeps it.
public struct ExecutionRecord: Sendable, Hashable, Codable {
    /// The name that the chain shares.
    public var workflowID: String
    /// This execution's name.
    public var executionID: String
    /// The chain's first execution.
    public var firstExecutionID: String
    /// The execution that handed over to this one.
    public var previousExecutionID: String?
    /// The workflow's registered name.
    public var workflowType: String
    /// The execution that started this one as its child.
    public var parent: ParentExecution?
    /// What happens to it when its parent closes.
    public var parentClosePolicy: ParentClosePolicy
    /// Where it stands.
    public var status: ExecutionStatus
    /// When it was started.
    public var startedAt: Date
    /// When it was closed.
    public var closedAt: Date?
    /// Events in its history.
    public var historyLength: Int
    /// Why it waits for a fixed program.
    public var stall: FailureInfo?
    /// Who carries it on.
    public var ownerID: String
}

/// One change of a transaction.
public enum StoreWrite: Sendable {
    /// A new execution.
    case create(ExecutionRecord)
    /// Events at the end of an execution's history.
    case append(executionID: String, [HistoryEvent])
    /// An execution is closed.
    case close(executionID: String, ExecutionStatus, at: Date)
    /// An execution waits for a fixed program, or no longer does.
    case stall(executionID: String, FailureInfo?)
    /// An attempt of an activity failed.
    case attempt(ActivityAttempt)
    /// An activity gave heartbeat details.
    case heartbeat(executionID: String, scheduledEventID: Int, Payload)
    /// An execution has a new owner.
    case claim(executionID: String, ownerID: String)
    /// A request was taken.
    case consume(requestID: Int64)

    /// Begins what no other execution stands for: neither a child nor the next of a chain.
    var isStart: Bool {
        guard case .create(let record) = self else { return false }
        return record.parent == nil && record.previousExecutionID == nil
    }
}

/// What another process asks of an execution's owner.
public enum EngineRequest: Sendable, Hashable, Codable {
    /// A signal.
    case signal(workflowID: String, name: String, input: Payload)
    /// A request to cancel.
    case cancel(workflowID: String, reason: String)
    /// A request to terminate.
    case terminate(workflowID: String, reason: String)

    /// Whose execution it is about.
    public var workflowID: String {
        switch self {
        case .signal(let workflowID, _, _), .cancel(let workflowID, _), .terminate(let workflowID, _): workflowID
        }
    }
}

/// A request with its place in the queue.
public struct StoredRequest: Sendable, Hashable {
    /// Ascending.
    public var id: Int64
    /// What is asked.
    public var request: EngineRequest

    /// A request at its place.
    public init(id: Int64, request: EngineRequest) {
        self.id = id
        self.request = request
    }
}

/// The store, or the engine on it, cannot go on. What was committed stands.
public struct EngineFailure: Error, CustomStringConvertible, Sendable {
    /// What is wrong, where, and what to do.
    public let description: String

    /// Says what is wrong, where, and what to do.
    public init(_ description: String) { self.description = description }

    static func unwritten(_ reason: String, isFull: Bool) -> EngineFailure {
        EngineFailure(
            isFull
                ? "The disk is full: the histories cannot grow. What was committed stands. Make room, then carry on."
                : "The histories cannot be written: \(reason). What was committed stands."
        )
    }
}
