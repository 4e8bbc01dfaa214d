#if Temporal
import Foundation
import GRPCCore
import SwiftProtobuf
public import Workflows

/// What a client reads of executions.
extension TemporalClient {
    /// How long a wait for the end lasts before it is looked whether the execution waits for a fixed program.
    private static let lookInterval = Duration.seconds(20)

    /// See ``WorkflowClient/result(of:id:)``.
    public func result<W: Workflow>(of type: W.Type, id: String) async throws -> W.Output {
        guard let newest = try await describe(id) else {
            throw WorkflowClientError(.notFound, "There is no workflow \(id).")
        }
        var runID = ExecutionID.runID(newest.executionID)
        while true {
            try Task.checkCancellation()
            guard let end = try await end(of: id, runID) else {
                if let stalled = try await describe(id), let stall = stalled.stall {
                    throw WorkflowClientError(
                        .stalled,
                        "Execution \(stalled.executionID) waits for a fixed program: \(stall)"
                    )
                }
                continue
            }
            switch end {
            case .workflowExecutionCompleted(let result): return try result.decode(as: W.Output.self)
            case .workflowExecutionFailed(let failure), .workflowExecutionCanceled(let failure): throw failure.error
            case .workflowExecutionTerminated(let reason): throw TerminatedFailure(reason: reason)
            case .workflowExecutionContinuedAsNew(let next, _): runID = ExecutionID.runID(next)
            default: throw TemporalError("The history of workflow \(id) ends with \(end.summary).")
            }
        }
    }

    /// Waits for an execution's last event; nil when it did not come for a while.
    private func end(of workflowID: String, _ runID: String) async throws -> HistoryEvent.Attributes? {
        var request = WireGetHistoryRequest()
        request.namespace = namespace
        request.execution.workflowID = workflowID
        request.execution.runID = runID
        request.waitNewEvent = true
        request.historyEventFilterType = .closeEvent
        let waiting = request
        do {
            let response = try await withThrowingTaskGroup(of: WireGetHistoryResponse?.self) { group in
                group.addTask { try await self.connection.call(.awaitHistory, waiting) }
                group.addTask {
                    try await Task.sleep(for: Self.lookInterval)
                    return nil
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
            guard let last = response?.history.events.last else { return nil }
            var mapping = EventMapping(runID: runID, payloads: payloads)
            guard let end = try mapping.events([last]).last?.attributes else { return nil }
            return try await withReason(end, of: workflowID, runID)
        } catch let error as RPCError {
            throw failure(error, of: workflowID)
        }
    }

    /// Why an execution was cancelled stands in an earlier event than its last.
    private func withReason(_ end: HistoryEvent.Attributes, of workflowID: String, _ runID: String) async throws
        -> HistoryEvent.Attributes
    {
        guard case .workflowExecutionCanceled = end else { return end }
        return try await history(of: workflowID, runID).last?.attributes ?? end
    }

    /// See ``WorkflowClient/describe(_:)``.
    public func describe(_ workflowID: String) async throws -> ExecutionDescription? {
        try await describe(workflowID, runID: nil)
    }

    private func describe(_ workflowID: String, runID: String?) async throws -> ExecutionDescription? {
        guard let response = try await look(at: workflowID, runID: runID) else { return nil }
        var description = description(response.workflowExecutionInfo)
        if response.hasPendingWorkflowTask, response.pendingWorkflowTask.attempt > 1 {
            description.stall = try await lastTurnFailure(response.workflowExecutionInfo.execution)
        }
        return description
    }

    private func look(at workflowID: String, runID: String?) async throws -> WireDescribeExecutionResponse? {
        var request = WireDescribeExecutionRequest()
        request.namespace = namespace
        request.execution.workflowID = workflowID
        request.execution.runID = runID ?? ""
        do {
            return try await connection.call(.describeExecution, request)
        } catch let error as RPCError where error.code == .notFound {
            return nil
        } catch let error as RPCError {
            throw failure(error, of: workflowID)
        }
    }

    /// Why the last turn could not be taken, when none was taken since.
    private func lastTurnFailure(_ execution: WireExecution) async throws -> FailureInfo? {
        var request = WireGetHistoryRequest()
        request.namespace = namespace
        request.execution = execution
        request.maximumPageSize = 20
        let response = try await connection.call(.getHistoryReverse, request)
        for event in response.history.events {
            switch event.attributes {
            case .taskFailed(let failed): return FailureMapping(payloads: payloads).info(failed.failure)
            case .taskCompleted: return nil
            default: continue
            }
        }
        return nil
    }

    /// See ``WorkflowClient/executions(_:)``. The server's lists may be a moment behind.
    public func executions(_ filter: ExecutionFilter) async throws -> [ExecutionDescription] {
        var terms: [String] = []
        if let statuses = filter.statuses {
            let names = statuses.flatMap(\.listNames).sorted().map { "'\($0)'" }
            terms.append("ExecutionStatus IN (\(names.joined(separator: ", ")))")
        }
        if let type = filter.workflowType { terms.append("WorkflowType = '\(quoted(type))'") }
        if let parent = filter.parentWorkflowID { terms.append("ParentWorkflowId = '\(quoted(parent))'") }
        if let prefix = filter.workflowIDPrefix { terms.append("WorkflowId STARTS_WITH '\(quoted(prefix))'") }
        return try await list(terms.joined(separator: " AND "))
    }

    /// See ``WorkflowClient/chain(of:)``.
    public func chain(of workflowID: String) async throws -> [ExecutionDescription] {
        // Lists may be a moment behind, so the newest and those that led to it are asked for one by one.
        var chain = try await list("WorkflowId = '\(quoted(workflowID))'")
        var place: [String: Int] = [:]
        for (index, description) in chain.enumerated() { place[description.executionID] = index }
        var next = try await describe(workflowID)
        while let description = next {
            if let known = place[description.executionID] {
                let isSettled = chain[known].status != .running
                chain[known] = description
                if isSettled { break }
            } else {
                place[description.executionID] = chain.count
                chain.append(description)
            }
            guard let previous = description.previousExecutionID else { break }
            next = try await describe(workflowID, runID: ExecutionID.runID(previous))
        }
        return chain.sorted { ($0.startedAt, $0.executionID) < ($1.startedAt, $1.executionID) }
    }

    func list(_ query: String) async throws -> [ExecutionDescription] {
        var found: [ExecutionDescription] = []
        var request = WireListExecutionsRequest()
        request.namespace = namespace
        request.pageSize = 1000
        request.query = query
        repeat {
            do {
                let response = try await connection.call(.listExecutions, request)
                found += response.executions.map(description)
                request.nextPageToken = response.nextPageToken
            } catch let error as RPCError {
                throw error.isPassing
                    ? connection.explained(error)
                    : TemporalError("The Temporal server cannot list executions: \(error.message)")
            }
        } while !request.nextPageToken.isEmpty
        return found.sorted { ($0.startedAt, $0.executionID) < ($1.startedAt, $1.executionID) }
    }

    /// A text within single quotes of a list's query.
    func quoted(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("'", with: "\\'")
    }

    private func description(_ info: WireExecutionInfo) -> ExecutionDescription {
        let workflowID = info.execution.workflowID
        let executionID = noted(info.execution.runID, of: workflowID)
        let memo = try? payloads.value(ExecutionMemo.self, named: HeaderName.memo, in: info.memo)
        let parent = info.hasParentExecution && !info.parentExecution.workflowID.isEmpty ? info.parentExecution : nil
        return ExecutionDescription(
            workflowID: workflowID,
            executionID: executionID,
            firstExecutionID: info.firstRunID.isEmpty ? executionID : ExecutionID.of(runID: info.firstRunID),
            previousExecutionID: memo?.previousExecutionID,
            workflowType: info.type.name,
            parent: parent.map {
                // Lists do not say which event of the parent's history it was.
                ParentExecution(
                    workflowID: $0.workflowID,
                    executionID: ExecutionID.of(runID: $0.runID),
                    initiatedEventID: 0
                )
            },
            status: ExecutionStatus(info.status),
            startedAt: info.startTime.wholeMilliseconds,
            closedAt: info.hasCloseTime ? info.closeTime.wholeMilliseconds : nil,
            historyLength: Int(info.historyLength),
            stall: nil,
            owner: ExecutionOwner(id: connection.address.description, processID: nil, isAlive: true)
        )
    }

    /// See ``WorkflowClient/history(of:)``.
    public func history(of executionID: String) async throws -> [HistoryEvent] {
        guard let workflowID = try await workflowID(of: executionID) else {
            throw WorkflowClientError(.notFound, "There is no execution \(executionID).")
        }
        return try await history(of: workflowID, ExecutionID.runID(executionID))
    }

    /// An execution's history as it is now, to be replayed without the server.
    public func recording(of executionID: String) async throws -> RecordedHistory {
        guard let workflowID = try await workflowID(of: executionID) else {
            throw WorkflowClientError(.notFound, "There is no execution \(executionID).")
        }
        var history = WireHistory()
        try await read(workflowID, ExecutionID.runID(executionID)) { history.events += $0 }
        return RecordedHistory(history)
    }

    private func history(of workflowID: String, _ runID: String) async throws -> [HistoryEvent] {
        var mapping = EventMapping(runID: runID, payloads: payloads)
        var events: [HistoryEvent] = []
        try await read(workflowID, runID) { events += try mapping.events($0) }
        return events
    }

    /// Calls with page after page of a history.
    private func read(_ workflowID: String, _ runID: String, _ page: ([WireHistoryEvent]) throws -> Void) async throws {
        var request = WireGetHistoryRequest()
        request.namespace = namespace
        request.execution.workflowID = workflowID
        request.execution.runID = runID
        do {
            repeat {
                let response = try await connection.call(.getHistory, request)
                try page(response.history.events)
                request.nextPageToken = response.nextPageToken
            } while !request.nextPageToken.isEmpty
        } catch let error as RPCError {
            throw failure(error, of: workflowID)
        }
    }

    /// See ``WorkflowClient/attempts(of:)``. Of an activity's attempts the server keeps the failure of the last one, and of the one before.
    public func attempts(of executionID: String) async throws -> [ActivityAttempt] {
        guard let workflowID = try await workflowID(of: executionID) else {
            throw WorkflowClientError(.notFound, "There is no execution \(executionID).")
        }
        let runID = ExecutionID.runID(executionID)
        var scheduled: [Int: ActivityTaskScheduled] = [:]
        var started: [Int: (attempt: Int, at: Date)] = [:]
        var attempts: [ActivityAttempt] = []
        for event in try await history(of: workflowID, runID) {
            switch event.attributes {
            case .activityTaskScheduled(let activity): scheduled[event.id] = activity
            case .activityTaskFailed(let id, let start, let failure, _),
                .activityTaskTimedOut(let id, let start, let failure, _):
                guard let activity = scheduled[id], let (attempt, began) = started[start] else { continue }
                attempts.append(
                    ActivityAttempt(
                        executionID: executionID,
                        activityID: activity.activityID,
                        activityType: activity.activityType,
                        scheduledEventID: id,
                        attempt: attempt,
                        startedAt: began,
                        closedAt: event.timestamp,
                        // Without what the workflow is told of the activity.
                        failure: failure.cause ?? failure,
                        nextAttemptAt: nil
                    )
                )
            case .activityTaskStarted(let id, let number, let failure):
                started[event.id] = (number, event.timestamp)
                guard let activity = scheduled[id], let failure else { continue }
                attempts.append(
                    ActivityAttempt(
                        executionID: executionID,
                        activityID: activity.activityID,
                        activityType: activity.activityType,
                        scheduledEventID: id,
                        attempt: number - 1,
                        startedAt: event.timestamp,
                        closedAt: event.timestamp,
                        failure: failure,
                        nextAttemptAt: event.timestamp
                    )
                )
            default: continue
            }
        }
        let pending = try await look(at: workflowID, runID: runID)?.pendingActivities ?? []
        for activity in pending where activity.hasLastFailure {
            attempts.append(
                ActivityAttempt(
                    executionID: executionID,
                    activityID: activity.activityID,
                    activityType: activity.activityType.name,
                    scheduledEventID: scheduled.first { $0.value.activityID == activity.activityID }?.key ?? 0,
                    attempt: max(1, Int(activity.attempt) - 1),
                    startedAt: activity.lastStartedTime.wholeMilliseconds,
                    closedAt: activity.lastAttemptCompleteTime.wholeMilliseconds,
                    failure: FailureMapping(payloads: payloads).info(activity.lastFailure),
                    nextAttemptAt: activity.nextAttempt.wholeMilliseconds
                )
            )
        }
        return attempts
    }
}

extension WirePendingActivity {
    /// When the attempt that follows the last failure begins; it may be due already, or under way.
    fileprivate var nextAttempt: Google_Protobuf_Timestamp {
        if hasNextAttemptScheduleTime { return nextAttemptScheduleTime }
        return hasScheduledTime ? scheduledTime : lastStartedTime
    }
}

extension ExecutionStatus {
    init(_ status: WireExecutionStatus) {
        self =
            switch status {
            case .completed: .completed
            case .failed, .timedOut: .failed
            case .canceled: .canceled
            case .terminated: .terminated
            case .continuedAsNew: .continuedAsNew
            default: .running
            }
    }

    /// What the server's lists call it.
    fileprivate var listNames: [String] {
        switch self {
        case .running: ["Running"]
        case .completed: ["Completed"]
        case .failed: ["Failed", "TimedOut"]
        case .canceled: ["Canceled"]
        case .terminated: ["Terminated"]
        case .continuedAsNew: ["ContinuedAsNew"]
        }
    }
}
#endif
