import WorkflowEngine
import Workflows

/// An activity that is looked at when it begins: whatever dies from then on, the histories know of it.
private struct WatchedActivity<Base: Activity>: Activity {
    static var activityType: String { Base.activityType }
    static var isCutShortByShutdown: Bool { Base.isCutShortByShutdown }

    let base: Base
    let begins: @Sendable (ActivityInfo) async -> Void

    func run(_ input: Base.Input, in context: ActivityContext) async throws -> Base.Output {
        await begins(context.info)
        return try await base.run(input, in: context)
    }
}

extension Activity {
    /// The same activity, with a look at each attempt before it does anything.
    func watched(_ begins: @escaping @Sendable (ActivityInfo) async -> Void) -> any Activity {
        WatchedActivity(base: self, begins: begins)
    }
}

extension HistoryStore {
    /// Whether an execution's history has scheduled an activity.
    func hasScheduled(_ activity: ActivityInfo) async throws -> Bool {
        try await history(of: activity.executionID).reversed().contains { event in
            guard case .activityTaskScheduled(let scheduled) = event.attributes else { return false }
            return scheduled.activityID == activity.activityID
        }
    }
}
