import Testing
import Workflows

extension [HistoryEvent] {
    /// What is left when a process dies before one of the turns, for each of them but the first.
    var cutOffBeforeTurns: [[HistoryEvent]] {
        indices.filter { self[$0].attributes.type == "WorkflowTaskCompleted" }.dropFirst().map { Array(prefix($0)) }
    }

    /// The same with another activity in the place of the first, as other code would have asked for it.
    func withOtherActivity() -> [HistoryEvent] {
        var changed = self
        for index in indices {
            guard case .activityTaskScheduled(var scheduled) = self[index].attributes else { continue }
            scheduled.activityType = "SomethingElse"
            changed[index].attributes = .activityTaskScheduled(scheduled)
            return changed
        }
        Issue.record("the history holds no activity")
        return changed
    }
}
