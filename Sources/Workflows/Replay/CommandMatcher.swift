/// Holds what a replayed turn asked for against what the history says it asked for, first in, first out.
enum CommandMatcher {
    static func match(_ commands: [Command], with events: [HistoryEvent], after completedEventID: Int)
        throws(TurnFailure)
    {
        if let last = events.last, case .workflowExecutionFailed(let failure) = last.attributes,
            LimitFailure.types.contains(failure.type)
        {
            // The engine closed the execution in place of what the code asked for.
            return
        }
        for (command, event) in zip(commands, events) where !matches(command, event.attributes) {
            throw TurnFailure(
                .nondeterminism,
                "Event \(event.id) of the history is \(event.attributes.summary), but the code asked for \(asked(command)). "
                    + advice
            )
        }
        if commands.count > events.count {
            throw TurnFailure(
                .nondeterminism,
                "The turn of event \(completedEventID) asked for \(events.count) things according to the history, but the code "
                    + "went on to ask for \(asked(commands[events.count])). " + advice
            )
        }
        if events.count > commands.count {
            let event = events[commands.count]
            throw TurnFailure(
                .nondeterminism,
                "Event \(event.id) of the history is \(event.attributes.summary), but the code asked for nothing more in that "
                    + "turn. " + advice
            )
        }
    }

    private static let advice =
        "Run the code that wrote this history, or make the new code ask for the same things in the same order."

    private static func asked(_ command: Command) -> String { command.attributes(newExecutionID: "").summary }

    private static func matches(_ command: Command, _ event: HistoryEvent.Attributes) -> Bool {
        switch (command, event) {
        case (.scheduleActivityTask(let asked), .activityTaskScheduled(let held)):
            asked.activityID == held.activityID && asked.activityType == held.activityType
        case (.requestCancelActivityTask(let asked), .activityTaskCancelRequested(let held)): asked == held
        case (.startTimer(let asked, _), .timerStarted(let held, _)): asked == held
        case (.cancelTimer(let asked, _), .timerCanceled(let held, _)): asked == held
        case (.startChildWorkflowExecution(let asked), .startChildWorkflowExecutionInitiated(let held)):
            asked.workflowID == held.workflowID && asked.workflowType == held.workflowType
        case (
            .requestCancelExternalWorkflowExecution(_, let asked),
            .requestCancelExternalWorkflowExecutionInitiated(_, let held)
        ):
            asked == held
        case (.completeWorkflowExecution, .workflowExecutionCompleted),
            (.failWorkflowExecution, .workflowExecutionFailed),
            (.cancelWorkflowExecution, .workflowExecutionCanceled),
            (.continueAsNewWorkflowExecution, .workflowExecutionContinuedAsNew):
            true
        default: false
        }
    }
}
