import Foundation
import Workflows

/// An open execution in an engine's memory. Only its engine touches it.
final class Execution {
    var record: ExecutionRecord
    let historyLimit: HistoryLimit
    var lastEventID: Int
    /// Events that the code has not learned yet.
    var pending: [HistoryEvent] = []
    /// Events of this round that are not on their way to the store yet.
    var unwritten: [HistoryEvent] = []
    /// The code; nil until it is needed, and again after it was evicted.
    var instance: WorkflowInstance?
    /// Open activities, by the event that scheduled them.
    var activities: [Int: ActivityWork] = [:]
    /// The oldest first.
    var activitiesInOrder: [ActivityWork] { activities.sorted { $0.key < $1.key }.map(\.value) }
    /// Open timers, by the event that started them.
    var timers: [Int: (timerID: String, deadline: DeadlineQueue<EngineCore.Due>.ID)] = [:]
    /// Open children.
    var children: Set<String> = []
    var isReady = false
    var stall: FailureInfo?
    /// How many executions of the chain came before.
    var continuedCount = 0

    init(record: ExecutionRecord, historyLimit: HistoryLimit, lastEventID: Int = 0) {
        self.record = record
        self.historyLimit = historyLimit
        self.lastEventID = lastEventID
    }
}

/// An open activity: which attempt it is at, and what stands behind it.
final class ActivityWork {
    enum Stage {
        /// Waits for a free worker.
        case queued
        /// An attempt runs.
        case running(Task<Void, Never>)
        /// Waits until the next attempt is due.
        case backingOff
    }

    let scheduled: ActivityTaskScheduled
    let scheduledEventID: Int
    let scheduledAt: Date
    var attempt = 1
    /// Tells a late answer from that of the present attempt.
    var token = 0
    var stage = Stage.queued
    var startedAt: Date
    var lastFailure: FailureInfo?
    let heartbeats: HeartbeatBox
    let idleness = ActivityIdleness()
    var cancelReason: String?
    /// Deadlines of the present stage.
    var deadlines: [DeadlineQueue<EngineCore.Due>.ID] = []
    var scheduleToClose: DeadlineQueue<EngineCore.Due>.ID?

    init(scheduled: ActivityTaskScheduled, scheduledEventID: Int, scheduledAt: Date, details: Payload? = nil) {
        self.scheduled = scheduled
        self.scheduledEventID = scheduledEventID
        self.scheduledAt = scheduledAt
        startedAt = scheduledAt
        heartbeats = HeartbeatBox(details)
    }

    var closesAt: Date? { scheduled.options.scheduleToClose.map { scheduledAt.addingTimeInterval($0.inSeconds) } }
}

/// How an execution ended.
enum ExecutionEnd {
    case result(Payload)
    case failure(FailureInfo)

    var result: Result<Payload, any Error> {
        switch self {
        case .result(let payload): .success(payload)
        case .failure(let failure): .failure(failure.error)
        }
    }
}
