#if Temporal
import Foundation
import Workflows

/// Reads an execution's events as Temporal keeps them, in order, as the replay core knows them.
///
/// It has to see every event of an execution once: later events name earlier ones by their ids only.
struct EventMapping: Sendable {
    /// The turn that has begun and not ended.
    struct OpenTurn: Sendable {
        var startedEventID: Int
        var time: Date
        var suggestsContinueAsNew: Bool
    }

    let payloads: PayloadMapping
    private var failures: FailureMapping { FailureMapping(payloads: payloads) }
    private let runID: String
    private(set) var started: WorkflowExecutionStarted?
    /// What lists show of the execution, as it was started.
    private(set) var memo = WireFields()
    private(set) var openTurn: OpenTurn?
    private(set) var lastEventID = 0
    /// The WorkflowTaskStarted of the last turn that was taken; 0 when none was.
    private(set) var lastTurn = 0
    private var activities: [Int: (type: String, id: String, attempt: Int)] = [:]
    private var children: [Int: (type: String, id: String)] = [:]
    private var cancelReason: String?

    init(runID: String, payloads: PayloadMapping) {
        self.runID = runID
        self.payloads = payloads
    }

    /// What the events mean; some mean nothing here, and one may mean several.
    ///
    /// - Throws: ``TemporalError`` when a payload cannot be read.
    mutating func events(_ wires: [WireHistoryEvent]) throws -> [HistoryEvent] {
        var events: [HistoryEvent] = []
        events.reserveCapacity(wires.count)
        for wire in wires where Int(wire.eventID) > lastEventID {
            lastEventID = Int(wire.eventID)
            try read(wire, into: &events)
        }
        return events
    }

    private mutating func read(_ wire: WireHistoryEvent, into events: inout [HistoryEvent]) throws {
        let id = Int(wire.eventID)
        var time = wire.eventTime.wholeMilliseconds
        let attributes: HistoryEvent.Attributes
        switch wire.attributes {
        case .executionStarted(let wire):
            let (start, signals) = try execution(wire)
            started = start
            memo = wire.memo
            events.append(HistoryEvent(id: id, timestamp: time, attributes: .workflowExecutionStarted(start)))
            for signal in signals {
                events.append(
                    HistoryEvent(
                        id: id,
                        timestamp: time,
                        attributes: .workflowExecutionSignaled(
                            signalName: signal.name,
                            input: Payload(json: signal.input)
                        )
                    )
                )
            }
            return
        case .taskStarted(let wire):
            openTurn = OpenTurn(startedEventID: id, time: time, suggestsContinueAsNew: wire.suggestContinueAsNew)
            return
        case .taskCompleted:
            attributes = .workflowTaskCompleted(suggestsContinueAsNew: openTurn?.suggestsContinueAsNew ?? false)
            time = openTurn?.time ?? time
            lastTurn = openTurn?.startedEventID ?? lastTurn
            openTurn = nil
        case .signaled(let wire):
            attributes = .workflowExecutionSignaled(
                signalName: wire.signalName,
                input: try payloads.payload(wire.input)
            )
        case .cancelRequested(let wire):
            cancelReason = wire.cause
            attributes = .workflowExecutionCancelRequested(reason: wire.cause)
        case .executionCompleted(let wire):
            attributes = .workflowExecutionCompleted(result: try payloads.payload(wire.result))
        case .executionFailed(let wire): attributes = .workflowExecutionFailed(failure: failures.info(wire.failure))
        case .executionTimedOut:
            let failure = TimeoutFailure(.scheduleToClose, message: "the execution's time limit passed")
            attributes = .workflowExecutionFailed(failure: failure.failureInfo)
        case .canceled:
            let failure = CanceledFailure(reason: cancelReason ?? "")
            attributes = .workflowExecutionCanceled(failure: failure.failureInfo)
        case .terminated(let wire): attributes = .workflowExecutionTerminated(reason: wire.reason)
        case .continuedAsNew(let wire):
            attributes = .workflowExecutionContinuedAsNew(
                newExecutionID: ExecutionID.of(runID: wire.newExecutionRunID),
                input: try payloads.payload(wire.input)
            )
        case .timerStarted(let wire):
            attributes = .timerStarted(timerID: wire.timerID, startToFire: wire.startToFireTimeout.duration)
        case .timerFired(let wire):
            attributes = .timerFired(timerID: wire.timerID, startedEventID: Int(wire.startedEventID))
        case .timerCanceled(let wire):
            attributes = .timerCanceled(timerID: wire.timerID, startedEventID: Int(wire.startedEventID))
        case .cancelExternalInitiated(let wire):
            let workflowID = wire.workflowExecution.workflowID
            attributes = .requestCancelExternalWorkflowExecutionInitiated(
                workflowID: workflowID,
                childInitiatedEventID: children.filter { $0.value.id == workflowID }.map(\.key).max() ?? 0
            )
        default:
            guard let read = try activity(wire, id) ?? child(wire, id) else { return }
            attributes = read
        }
        events.append(HistoryEvent(id: id, timestamp: time, attributes: attributes))
    }

    private func execution(_ wire: WireHistoryEvent.ExecutionStarted) throws -> (
        WorkflowExecutionStarted, [ExecutionHeader.Signal]
    ) {
        let header = try payloads.value(ExecutionHeader.self, named: HeaderName.header, in: wire.header)
        let continued = wire.continuedExecutionRunID
        let first = wire.firstExecutionRunID.isEmpty ? runID : wire.firstExecutionRunID
        let parent = wire.hasParentWorkflowExecution ? wire.parentWorkflowExecution : nil
        let started = WorkflowExecutionStarted(
            workflowID: wire.workflowID,
            executionID: ExecutionID.of(runID: runID),
            firstExecutionID: ExecutionID.of(runID: first),
            continuedExecutionID: continued.isEmpty ? nil : ExecutionID.of(runID: continued),
            continuedCount: header?.continuedCount ?? 0,
            workflowType: wire.workflowType.name,
            input: try payloads.payload(wire.input),
            parent: parent.map {
                ParentExecution(
                    workflowID: $0.workflowID,
                    executionID: ExecutionID.of(runID: $0.runID),
                    initiatedEventID: Int(wire.parentInitiatedEventID)
                )
            },
            historyLimit: header?.historyLimit ?? HistoryLimit()
        )
        return (started, header?.signals ?? [])
    }

    // MARK: Activities

    private mutating func activity(_ wire: WireHistoryEvent, _ id: Int) throws -> HistoryEvent.Attributes? {
        switch wire.attributes {
        case .activityScheduled(let wire):
            activities[id] = (wire.activityType.name, wire.activityID, 1)
            let header = try payloads.value(ActivityHeader.self, named: HeaderName.header, in: wire.header)
            return .activityTaskScheduled(
                ActivityTaskScheduled(
                    activityID: wire.activityID,
                    activityType: wire.activityType.name,
                    input: try payloads.payload(wire.input),
                    options: header?.options ?? ActivityOptions(startToClose: wire.startToCloseTimeout.duration)
                )
            )
        case .activityStarted(let wire):
            activities[Int(wire.scheduledEventID)]?.attempt = Int(wire.attempt)
            return .activityTaskStarted(
                scheduledEventID: Int(wire.scheduledEventID),
                attempt: Int(wire.attempt),
                lastFailure: wire.hasLastFailure ? failures.info(wire.lastFailure) : nil
            )
        case .activityCompleted(let wire):
            activities[Int(wire.scheduledEventID)] = nil
            return .activityTaskCompleted(
                scheduledEventID: Int(wire.scheduledEventID),
                startedEventID: Int(wire.startedEventID),
                result: try payloads.payload(wire.result)
            )
        case .activityFailed(let wire):
            let state = failures.retryState(wire.failure, otherwise: wire.retryState)
            let failure = failed(Int(wire.scheduledEventID), failures.info(wire.failure), state)
            guard case .timeout = failures.info(wire.failure).kind else {
                return .activityTaskFailed(
                    scheduledEventID: Int(wire.scheduledEventID),
                    startedEventID: Int(wire.startedEventID),
                    failure: failure,
                    retryState: state
                )
            }
            return .activityTaskTimedOut(
                scheduledEventID: Int(wire.scheduledEventID),
                startedEventID: Int(wire.startedEventID),
                failure: failure,
                retryState: state
            )
        case .activityTimedOut(let wire):
            let state = RetryState(wire.retryState)
            return .activityTaskTimedOut(
                scheduledEventID: Int(wire.scheduledEventID),
                startedEventID: Int(wire.startedEventID),
                failure: failed(Int(wire.scheduledEventID), failures.info(wire.failure), state),
                retryState: state
            )
        case .activityCancelRequested(let wire):
            return .activityTaskCancelRequested(scheduledEventID: Int(wire.scheduledEventID))
        case .activityCanceled(let wire):
            activities[Int(wire.scheduledEventID)] = nil
            let reason = try wire.details.payloads.first.map { try payloads.payload($0).decode(as: String.self) }
            return .activityTaskCanceled(
                scheduledEventID: Int(wire.scheduledEventID),
                startedEventID: Int(wire.startedEventID),
                reason: reason ?? "The workflow asked for it."
            )
        default: return nil
        }
    }

    private mutating func failed(_ scheduled: Int, _ cause: FailureInfo, _ state: RetryState) -> FailureInfo {
        let activity = activities.removeValue(forKey: scheduled) ?? ("", "", 1)
        return FailureInfo(
            kind: .activity(activityType: activity.type, activityID: activity.id, retryState: state),
            type: "ActivityFailure",
            message:
                "activity \(activity.type) failed after \(activity.attempt) \(activity.attempt == 1 ? "attempt" : "attempts")",
            cause: cause
        )
    }

    // MARK: Children

    private mutating func child(_ wire: WireHistoryEvent, _ id: Int) throws -> HistoryEvent.Attributes? {
        switch wire.attributes {
        case .childInitiated(let wire):
            children[id] = (wire.workflowType.name, wire.workflowID)
            let header = try payloads.value(ExecutionHeader.self, named: HeaderName.header, in: wire.header)
            return .startChildWorkflowExecutionInitiated(
                StartChildWorkflowExecutionInitiated(
                    workflowID: wire.workflowID,
                    workflowType: wire.workflowType.name,
                    input: try payloads.payload(wire.input),
                    options: ChildWorkflowOptions(
                        parentClosePolicy: ParentClosePolicy(wire.parentClosePolicy),
                        historyLimit: header?.historyLimit,
                        idReusePolicy: WorkflowIDReusePolicy(wire.workflowIDReusePolicy)
                    )
                )
            )
        case .childStartFailed(let wire):
            let cause = ApplicationFailure(
                type: "WorkflowAlreadyStarted",
                message: "An execution of workflow id \(wire.workflowID) is open, or its reuse policy refuses another."
            )
            return .startChildWorkflowExecutionFailed(
                initiatedEventID: Int(wire.initiatedEventID),
                failure: ended(Int(wire.initiatedEventID), nil, "could not be started", cause.failureInfo)
            )
        case .childStarted(let wire):
            return .childWorkflowExecutionStarted(
                initiatedEventID: Int(wire.initiatedEventID),
                executionID: ExecutionID.of(runID: wire.workflowExecution.runID)
            )
        case .childCompleted(let wire):
            return .childWorkflowExecutionCompleted(
                initiatedEventID: Int(wire.initiatedEventID),
                executionID: ExecutionID.of(runID: wire.workflowExecution.runID),
                result: try payloads.payload(wire.result)
            )
        case .childFailed(let wire):
            return childFailed(
                Int(wire.initiatedEventID),
                wire.workflowExecution,
                "ended as failed",
                failures.info(wire.failure)
            )
        case .childCanceled(let wire):
            let reason = (try? payloads.payload(wire.details).decode(as: String.self)) ?? ""
            let executionID = ExecutionID.of(runID: wire.workflowExecution.runID)
            return .childWorkflowExecutionCanceled(
                initiatedEventID: Int(wire.initiatedEventID),
                executionID: executionID,
                failure: ended(
                    Int(wire.initiatedEventID),
                    executionID,
                    "ended as canceled",
                    CanceledFailure(reason: reason).failureInfo
                )
            )
        case .childTimedOut(let wire):
            return childFailed(
                Int(wire.initiatedEventID),
                wire.workflowExecution,
                "ended as timed out",
                TimeoutFailure(.scheduleToClose, message: "the execution's time limit passed").failureInfo
            )
        case .childTerminated(let wire):
            let executionID = ExecutionID.of(runID: wire.workflowExecution.runID)
            return .childWorkflowExecutionTerminated(
                initiatedEventID: Int(wire.initiatedEventID),
                executionID: executionID,
                failure: ended(
                    Int(wire.initiatedEventID),
                    executionID,
                    "ended as terminated",
                    TerminatedFailure(reason: "").failureInfo
                )
            )
        default: return nil
        }
    }

    private func childFailed(_ initiated: Int, _ execution: WireExecution, _ how: String, _ cause: FailureInfo)
        -> HistoryEvent.Attributes
    {
        let executionID = ExecutionID.of(runID: execution.runID)
        return .childWorkflowExecutionFailed(
            initiatedEventID: initiated,
            executionID: executionID,
            failure: ended(initiated, executionID, how, cause)
        )
    }

    private func ended(_ initiated: Int, _ executionID: String?, _ how: String, _ cause: FailureInfo) -> FailureInfo {
        let child = children[initiated] ?? ("", "")
        return FailureInfo(
            kind: .childWorkflow(workflowType: child.type, workflowID: child.id, executionID: executionID),
            type: "ChildWorkflowFailure",
            message: "child workflow \(child.id) \(how)",
            cause: cause
        )
    }
}

extension ParentClosePolicy {
    init(_ policy: WireClosePolicy) {
        self =
            switch policy {
            case .abandon: .abandon
            case .requestCancel: .requestCancel
            default: .terminate
            }
    }
}

extension WorkflowIDReusePolicy {
    init(_ policy: WireReusePolicy) {
        self =
            switch policy {
            case .allowDuplicateFailedOnly: .allowDuplicateFailedOnly
            case .rejectDuplicate: .rejectDuplicate
            default: .allowDuplicate
            }
    }
}
#endif
