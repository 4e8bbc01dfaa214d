#if Temporal
import Foundation
import Workflows

/// Writes what a turn asked for as Temporal's commands. Each becomes one event there, in the same order.
struct CommandMapping {
    let started: WorkflowExecutionStarted
    /// What the execution was started with beside its input: its successors carry it as well.
    let memo: WireFields
    let payloads: PayloadMapping
    let taskQueue: String
    /// A worker that falls silent for longer is taken for dead, and its activities are given to others.
    let workerTimeout: Duration
    /// Signals that travel on when the execution continues as new.
    let unhandledSignals: [(name: String, input: Payload)]
    private var failures: FailureMapping { FailureMapping(payloads: payloads) }

    init(
        started: WorkflowExecutionStarted,
        memo: WireFields = WireFields(),
        payloads: PayloadMapping,
        taskQueue: String,
        workerTimeout: Duration,
        unhandledSignals: [(name: String, input: Payload)]
    ) {
        self.started = started
        self.memo = memo
        self.payloads = payloads
        self.taskQueue = taskQueue
        self.workerTimeout = workerTimeout
        self.unhandledSignals = unhandledSignals
    }

    func wire(_ command: Command) throws -> WireCommand {
        var wire = WireCommand()
        switch command {
        case .scheduleActivityTask(let scheduled):
            wire.commandType = .scheduleActivityTask
            wire.scheduleActivity = try activity(scheduled)
        case .requestCancelActivityTask(let scheduled):
            wire.commandType = .requestCancelActivityTask
            wire.cancelActivity.scheduledEventID = Int64(scheduled)
        case .startTimer(let timerID, let duration):
            wire.commandType = .startTimer
            wire.startTimer.timerID = timerID
            // The server refuses a timer of no length.
            wire.startTimer.startToFireTimeout = .init(duration: max(duration, .milliseconds(1)))
        case .cancelTimer(let timerID, _):
            wire.commandType = .cancelTimer
            wire.cancelTimer.timerID = timerID
        case .startChildWorkflowExecution(let initiated):
            wire.commandType = .startChildWorkflowExecution
            wire.startChild = try child(initiated)
        case .requestCancelExternalWorkflowExecution(let workflowID, _):
            wire.commandType = .requestCancelExternalWorkflowExecution
            wire.cancelExternal.workflowID = workflowID
            wire.cancelExternal.childWorkflowOnly = true
            wire.cancelExternal.reason = "The parent asked for it."
        case .completeWorkflowExecution(let result):
            wire.commandType = .completeWorkflowExecution
            wire.complete.result = try payloads.wires(result)
        case .failWorkflowExecution(let failure):
            wire.commandType = .failWorkflowExecution
            wire.fail.failure = failures.wire(failure)
        case .cancelWorkflowExecution(let failure):
            wire.commandType = .cancelWorkflowExecution
            wire.cancel.details = try payloads.wires(Payload(encoding: failure.message))
        case .continueAsNewWorkflowExecution(let input):
            wire.commandType = .continueAsNewWorkflowExecution
            wire.continueAsNew = try next(input)
        }
        return wire
    }

    private func activity(_ scheduled: ActivityTaskScheduled) throws -> WireCommand.ScheduleActivity {
        let options = scheduled.options
        var wire = WireCommand.ScheduleActivity()
        wire.activityID = scheduled.activityID
        wire.activityType.name = scheduled.activityType
        wire.taskQueue.name = taskQueue
        wire.input = try payloads.wires(scheduled.input)
        wire.header.fields[HeaderName.header] = try payloads.wire(
            encoding: ActivityHeader(firstExecutionID: started.firstExecutionID, options: options)
        )
        wire.startToCloseTimeout = .init(duration: options.startToClose)
        if let limit = options.scheduleToStart { wire.scheduleToStartTimeout = .init(duration: limit) }
        if let limit = options.scheduleToClose { wire.scheduleToCloseTimeout = .init(duration: limit) }
        // What the activity's own heartbeats have to keep its worker watches; the server watches the worker.
        wire.heartbeatTimeout = .init(duration: min(workerTimeout, options.heartbeatTimeout ?? workerTimeout))
        wire.retryPolicy = WireRetryPolicy(options.retryPolicy)
        wire.requestEagerExecution = true
        return wire
    }

    private func child(_ initiated: StartChildWorkflowExecutionInitiated) throws -> WireCommand.StartChild {
        var wire = WireCommand.StartChild()
        wire.workflowID = initiated.workflowID
        wire.workflowType.name = initiated.workflowType
        wire.taskQueue.name = taskQueue
        wire.input = try payloads.wires(initiated.input)
        wire.parentClosePolicy = WireClosePolicy(initiated.options.parentClosePolicy)
        wire.workflowIDReusePolicy = WireReusePolicy(initiated.options.idReusePolicy)
        wire.header.fields[HeaderName.header] = try payloads.wire(
            encoding: ExecutionHeader(historyLimit: initiated.options.historyLimit ?? started.historyLimit)
        )
        wire.memo = try payloads.fields(initiated.options.memo)
        return wire
    }

    private func next(_ input: Payload) throws -> WireCommand.ContinueAsNew {
        var wire = WireCommand.ContinueAsNew()
        wire.workflowType.name = started.workflowType
        wire.taskQueue.name = taskQueue
        wire.input = try payloads.wires(input)
        wire.header.fields[HeaderName.header] = try payloads.wire(
            encoding: ExecutionHeader(
                historyLimit: started.historyLimit,
                continuedCount: started.continuedCount + 1,
                signals: unhandledSignals.map { .init(name: $0.name, input: $0.input.text) }
            )
        )
        // The next execution has the memo that stands here, and nothing of this one's beside it.
        wire.memo = memo
        wire.memo.fields[HeaderName.memo] = try payloads.wire(
            encoding: ExecutionMemo(previousExecutionID: started.executionID)
        )
        return wire
    }
}

extension WireRetryPolicy {
    /// What the server has to know of a policy. A worker decides after each failure, by all of its rules; the server itself only when a worker
    /// fell silent or a time limit passed.
    init(_ policy: RetryPolicy) {
        self.init()
        initialInterval = .init(duration: policy.initialInterval)
        backoffCoefficient = policy.backoffCoefficient
        maximumInterval = .init(duration: max(policy.maximumInterval, policy.initialInterval))
        let allowed = policy.rules.compactMap { rule in
            if case .retry(let overrides) = rule.action { overrides.maximumAttempts } else { nil }
        }
        let limits = allowed + [policy.maximumAttempts]
        maximumAttempts = limits.contains(0) ? 0 : Int32(clamping: limits.max() ?? 0)
    }
}

extension WireClosePolicy {
    init(_ policy: ParentClosePolicy) {
        self =
            switch policy {
            case .terminate: .terminate
            case .requestCancel: .requestCancel
            case .abandon: .abandon
            }
    }
}

extension WireReusePolicy {
    init(_ policy: WorkflowIDReusePolicy) {
        self =
            switch policy {
            case .allowDuplicate: .allowDuplicate
            case .allowDuplicateFailedOnly: .allowDuplicateFailedOnly
            case .rejectDuplicate: .rejectDuplicate
            }
    }
}
#endif
