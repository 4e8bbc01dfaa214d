/// What a turn asks the engine to do.
package enum Command: Sendable, Hashable {
    case scheduleActivityTask(ActivityTaskScheduled)
    case requestCancelActivityTask(scheduledEventID: Int)
    case startTimer(timerID: String, startToFire: Duration)
    case cancelTimer(timerID: String, startedEventID: Int)
    case startChildWorkflowExecution(StartChildWorkflowExecutionInitiated)
    case requestCancelExternalWorkflowExecution(workflowID: String, childInitiatedEventID: Int)
    case completeWorkflowExecution(result: Payload)
    case failWorkflowExecution(FailureInfo)
    case cancelWorkflowExecution(FailureInfo)
    case continueAsNewWorkflowExecution(input: Payload)

    /// Whether the command ends the execution.
    package var closes: Bool {
        switch self {
        case .completeWorkflowExecution, .failWorkflowExecution, .cancelWorkflowExecution,
            .continueAsNewWorkflowExecution:
            true
        default: false
        }
    }

    /// The event that the command becomes; `newExecutionID` names the next execution of the chain.
    package func attributes(newExecutionID: @autoclosure () -> String) -> HistoryEvent.Attributes {
        switch self {
        case .scheduleActivityTask(let scheduled): .activityTaskScheduled(scheduled)
        case .requestCancelActivityTask(let id): .activityTaskCancelRequested(scheduledEventID: id)
        case .startTimer(let id, let duration): .timerStarted(timerID: id, startToFire: duration)
        case .cancelTimer(let id, let event): .timerCanceled(timerID: id, startedEventID: event)
        case .startChildWorkflowExecution(let initiated): .startChildWorkflowExecutionInitiated(initiated)
        case .requestCancelExternalWorkflowExecution(let workflowID, let event):
            .requestCancelExternalWorkflowExecutionInitiated(workflowID: workflowID, childInitiatedEventID: event)
        case .completeWorkflowExecution(let result): .workflowExecutionCompleted(result: result)
        case .failWorkflowExecution(let failure): .workflowExecutionFailed(failure: failure)
        case .cancelWorkflowExecution(let failure): .workflowExecutionCanceled(failure: failure)
        case .continueAsNewWorkflowExecution(let input):
            .workflowExecutionContinuedAsNew(newExecutionID: newExecutionID(), input: input)
        }
    }
}
