extension HistoryEvent.Attributes {
    /// Temporal's name of the event.
    public var type: String {
        switch self {
        case .workflowExecutionStarted: "WorkflowExecutionStarted"
        case .workflowExecutionSignaled: "WorkflowExecutionSignaled"
        case .workflowExecutionCancelRequested: "WorkflowExecutionCancelRequested"
        case .workflowTaskCompleted: "WorkflowTaskCompleted"
        case .activityTaskScheduled: "ActivityTaskScheduled"
        case .activityTaskStarted: "ActivityTaskStarted"
        case .activityTaskCompleted: "ActivityTaskCompleted"
        case .activityTaskFailed: "ActivityTaskFailed"
        case .activityTaskTimedOut: "ActivityTaskTimedOut"
        case .activityTaskCancelRequested: "ActivityTaskCancelRequested"
        case .activityTaskCanceled: "ActivityTaskCanceled"
        case .timerStarted: "TimerStarted"
        case .timerFired: "TimerFired"
        case .timerCanceled: "TimerCanceled"
        case .startChildWorkflowExecutionInitiated: "StartChildWorkflowExecutionInitiated"
        case .startChildWorkflowExecutionFailed: "StartChildWorkflowExecutionFailed"
        case .childWorkflowExecutionStarted: "ChildWorkflowExecutionStarted"
        case .childWorkflowExecutionCompleted: "ChildWorkflowExecutionCompleted"
        case .childWorkflowExecutionFailed: "ChildWorkflowExecutionFailed"
        case .childWorkflowExecutionCanceled: "ChildWorkflowExecutionCanceled"
        case .childWorkflowExecutionTerminated: "ChildWorkflowExecutionTerminated"
        case .requestCancelExternalWorkflowExecutionInitiated: "RequestCancelExternalWorkflowExecutionInitiated"
        case .workflowExecutionCompleted: "WorkflowExecutionCompleted"
        case .workflowExecutionFailed: "WorkflowExecutionFailed"
        case .workflowExecutionCanceled: "WorkflowExecutionCanceled"
        case .workflowExecutionTerminated: "WorkflowExecutionTerminated"
        case .workflowExecutionContinuedAsNew: "WorkflowExecutionContinuedAsNew"
        }
    }

    /// The event's name, and what tells it from others of that name.
    public var summary: String {
        switch self {
        case .workflowExecutionSignaled(let name, _): "\(type) \(name)"
        case .activityTaskScheduled(let scheduled):
            "\(type) \(scheduled.activityType) (activity \(scheduled.activityID))"
        case .activityTaskCancelRequested(let scheduled): "\(type) of event \(scheduled)"
        case .timerStarted(let timerID, _), .timerFired(let timerID, _), .timerCanceled(let timerID, _):
            "\(type) (timer \(timerID))"
        case .startChildWorkflowExecutionInitiated(let initiated):
            "\(type) \(initiated.workflowType) (workflow id \(initiated.workflowID))"
        case .requestCancelExternalWorkflowExecutionInitiated(let workflowID, _): "\(type) (workflow id \(workflowID))"
        default: type
        }
    }
}
