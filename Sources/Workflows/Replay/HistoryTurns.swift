package import Foundation

/// One turn as a history holds it.
package struct RecordedTurn: Sendable {
    /// What the code learned in this turn.
    package var events: [HistoryEvent]
    /// The turn's WorkflowTaskCompleted.
    package var completedEventID: Int
    /// The turn's time.
    package var time: Date
    /// Whether whoever keeps the history suggested to continue as new.
    package var suggestsContinueAsNew = false
    /// What the code asked for.
    package var commandEvents: [HistoryEvent] = []
}

/// A history cut into the turns that wrote it.
package struct HistoryTurns: Sendable {
    package var turns: [RecordedTurn] = []
    /// Events that no turn has taken in yet.
    package var pendingEvents: [HistoryEvent] = []

    package init(_ history: [HistoryEvent]) {
        for event in history {
            if case .workflowTaskCompleted(let suggestsContinueAsNew) = event.attributes {
                turns.append(
                    RecordedTurn(
                        events: pendingEvents,
                        completedEventID: event.id,
                        time: event.timestamp,
                        suggestsContinueAsNew: suggestsContinueAsNew
                    )
                )
                pendingEvents = []
            } else if event.attributes.isFromCommand, pendingEvents.isEmpty, !turns.isEmpty {
                turns[turns.count - 1].commandEvents.append(event)
            } else {
                pendingEvents.append(event)
            }
        }
    }
}

extension HistoryEvent.Attributes {
    /// Whether workflow code asked for the event; such events follow their turn's WorkflowTaskCompleted at once.
    package var isFromCommand: Bool {
        switch self {
        case .activityTaskScheduled, .activityTaskCancelRequested, .timerStarted, .timerCanceled,
            .startChildWorkflowExecutionInitiated, .requestCancelExternalWorkflowExecutionInitiated,
            .workflowExecutionCompleted, .workflowExecutionFailed, .workflowExecutionCanceled,
            .workflowExecutionContinuedAsNew:
            true
        default: false
        }
    }
}
