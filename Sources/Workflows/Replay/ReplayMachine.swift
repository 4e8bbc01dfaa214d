package import Foundation

/// What one wait of workflow code ended with.
package enum Outcome: Sendable, Hashable {
    case value(Payload)
    case failure(FailureInfo)
    case childStarted(executionID: String)
    /// A timer's time came.
    case fired
    /// A condition holds.
    case satisfied
    /// The instance is let go of; the code must unwind.
    case released
}

/// A wait of workflow code, numbered in the order that the code asked.
package struct WaitID: Sendable, Hashable, Comparable {
    let number: Int
    package static func < (one: WaitID, other: WaitID) -> Bool { one.number < other.number }
}

/// The pure core of one execution: history events in, commands out. It knows no task, no clock and no lock.
package struct ReplayMachine: Sendable {
    /// What an event or a request means for the code.
    package enum Effect: Sendable, Hashable {
        case nothing
        case start(WorkflowExecutionStarted)
        case resume([WaitID], Outcome)
        case signal(name: String, Payload)
        case cancel
    }

    enum Wait {
        case activity(ActivityWait)
        case timer(TimerWait)
        case condition(TimerWait?)
        case childStart(Int)
        case childResult(Int)
    }

    struct ActivityWait {
        var activityID: String
        var cancellationType: ActivityOptions.CancellationType
        var scheduledEventID: Int?
        var isCancelRequested = false
    }

    struct TimerWait {
        var timerID: String
        var startedEventID: Int?
    }

    struct Child {
        var initiated: StartChildWorkflowExecutionInitiated
        var initiatedEventID: Int?
        var executionID: String?
        var outcome: Outcome?
        var isCancelRequested = false
        var startWaits: [WaitID] = []
        var resultWaits: [WaitID] = []
    }

    /// A command with what is to learn its event's id.
    struct Request {
        enum Origin: Equatable { case wait(WaitID), child(Int), none }
        var command: Command
        var origin: Origin
    }

    package private(set) var now = Date(timeIntervalSince1970: 0)
    package private(set) var isReplaying = false
    package private(set) var suggestsContinueAsNew = false
    package private(set) var cancelReason: String?
    var random = SeededGenerator(seed: 0)
    var requests: [Request] = []
    var children: [Child] = []
    private var eventsSeen = 0
    private var lastWait = 0
    private var lastActivity = 0
    private var lastTimer = 0
    var waits: [WaitID: Wait] = [:]
    private var activityWaits: [Int: WaitID] = [:]
    private var timerWaits: [Int: WaitID] = [:]
    private var childNumbers: [Int: Int] = [:]
    /// Activities whose code went on without them, by the event that scheduled them.
    private var forsakenActivities: Set<Int> = []

    package init() {}

    /// Events seen, the turn's own, and those that it has asked for so far.
    package var historyLength: Int { eventsSeen + requests.count }

    /// Children that would be lost if the execution ended now.
    package var openChildren: [String] {
        children.filter { $0.outcome == nil && $0.initiated.options.parentClosePolicy != .abandon }
            .map(\.initiated.workflowID)
    }

    /// Begins a turn at `now` whose WorkflowTaskCompleted is event `completedEventID`.
    package mutating func beginTurn(
        now: Date,
        completedEventID: Int,
        suggestsContinueAsNew: Bool,
        isReplaying: Bool
    ) {
        self.now = now
        self.suggestsContinueAsNew = suggestsContinueAsNew
        self.isReplaying = isReplaying
        eventsSeen = completedEventID
        requests = []
    }

    // MARK: What history says

    /// Takes the next event that the code has not seen.
    package mutating func apply(_ event: HistoryEvent) throws(TurnFailure) -> Effect {
        switch event.attributes {
        case .workflowExecutionStarted(let started):
            random = SeededGenerator(seed: started.executionID)
            return .start(started)
        case .workflowExecutionSignaled(let name, let input): return .signal(name: name, input)
        case .workflowExecutionCancelRequested(let reason):
            guard cancelReason == nil else { return .nothing }
            cancelReason = reason
            return .cancel
        case .activityTaskCompleted(let scheduled, _, let result):
            return try closeActivity(scheduled, .value(result), event)
        case .activityTaskFailed(let scheduled, _, let failure, _),
            .activityTaskTimedOut(let scheduled, _, let failure, _):
            return try closeActivity(scheduled, .failure(failure), event)
        case .activityTaskCanceled(let scheduled, _, let reason):
            return try closeActivity(scheduled, .failure(CanceledFailure(reason: reason).failureInfo), event)
        case .timerFired(_, let started): return try fireTimer(started, event)
        case .startChildWorkflowExecutionFailed(let initiated, let failure):
            return try closeChild(initiated, .failure(failure), event)
        case .childWorkflowExecutionStarted(let initiated, let executionID):
            let number = try childNumber(initiated, event)
            children[number].executionID = executionID
            defer { children[number].startWaits = [] }
            return resume(children[number].startWaits, .childStarted(executionID: executionID))
        case .childWorkflowExecutionCompleted(let initiated, _, let result):
            return try closeChild(initiated, .value(result), event)
        case .childWorkflowExecutionFailed(let initiated, _, let failure),
            .childWorkflowExecutionCanceled(let initiated, _, let failure),
            .childWorkflowExecutionTerminated(let initiated, _, let failure):
            return try closeChild(initiated, .failure(failure), event)
        case .activityTaskStarted, .workflowTaskCompleted, .activityTaskScheduled, .activityTaskCancelRequested,
            .timerStarted, .timerCanceled, .startChildWorkflowExecutionInitiated,
            .requestCancelExternalWorkflowExecutionInitiated, .workflowExecutionCompleted, .workflowExecutionFailed,
            .workflowExecutionCanceled, .workflowExecutionTerminated, .workflowExecutionContinuedAsNew:
            return .nothing
        }
    }

    private mutating func closeActivity(
        _ scheduled: Int,
        _ outcome: Outcome,
        _ event: HistoryEvent
    ) throws(TurnFailure) -> Effect {
        if forsakenActivities.remove(scheduled) != nil { return .nothing }
        guard let wait = activityWaits.removeValue(forKey: scheduled) else { throw Self.unasked(event, scheduled) }
        return resume([wait], outcome)
    }

    private mutating func fireTimer(_ started: Int, _ event: HistoryEvent) throws(TurnFailure) -> Effect {
        guard let wait = timerWaits.removeValue(forKey: started) else { throw Self.unasked(event, started) }
        return resume([wait], .fired)
    }

    private mutating func closeChild(
        _ initiated: Int,
        _ outcome: Outcome,
        _ event: HistoryEvent
    ) throws(TurnFailure) -> Effect {
        let number = try childNumber(initiated, event)
        let waiting = (children[number].startWaits + children[number].resultWaits).sorted()
        children[number].outcome = outcome
        children[number].startWaits = []
        children[number].resultWaits = []
        return resume(waiting, outcome)
    }

    private func childNumber(_ initiated: Int, _ event: HistoryEvent) throws(TurnFailure) -> Int {
        guard let number = childNumbers[initiated] else { throw Self.unasked(event, initiated) }
        return number
    }

    private mutating func resume(_ ids: [WaitID], _ outcome: Outcome) -> Effect {
        for id in ids { waits[id] = nil }
        return ids.isEmpty ? .nothing : .resume(ids, outcome)
    }

    private static func unasked(_ event: HistoryEvent, _ asked: Int) -> TurnFailure {
        TurnFailure(
            .nondeterminism,
            "Event \(event.id) (\(event.attributes.type)) answers event \(asked), which the code did not ask for."
        )
    }

    // MARK: What the code asks for

    mutating func newWait(_ wait: Wait) -> WaitID {
        lastWait += 1
        let id = WaitID(number: lastWait)
        waits[id] = wait
        return id
    }

    package mutating func scheduleActivity(type: String, input: Payload, options: ActivityOptions) -> WaitID {
        lastActivity += 1
        let activityID = String(lastActivity)
        let id = newWait(
            .activity(ActivityWait(activityID: activityID, cancellationType: options.cancellationType))
        )
        let scheduled = ActivityTaskScheduled(
            activityID: activityID,
            activityType: type,
            input: input,
            options: options
        )
        requests.append(Request(command: .scheduleActivityTask(scheduled), origin: .wait(id)))
        return id
    }

    package mutating func startTimer(for duration: Duration) -> WaitID {
        let timer = newTimer()
        let id = newWait(.timer(timer))
        requests.append(
            Request(command: .startTimer(timerID: timer.timerID, startToFire: duration), origin: .wait(id))
        )
        return id
    }

    package mutating func startCondition(timeout: Duration?) -> WaitID {
        guard let timeout else { return newWait(.condition(nil)) }
        let timer = newTimer()
        let id = newWait(.condition(timer))
        requests.append(
            Request(command: .startTimer(timerID: timer.timerID, startToFire: timeout), origin: .wait(id))
        )
        return id
    }

    private mutating func newTimer() -> TimerWait {
        lastTimer += 1
        return TimerWait(timerID: String(lastTimer))
    }

    package mutating func startChild(_ initiated: StartChildWorkflowExecutionInitiated) -> Int {
        children.append(Child(initiated: initiated))
        requests.append(
            Request(command: .startChildWorkflowExecution(initiated), origin: .child(children.count - 1))
        )
        return children.count - 1
    }

    /// The condition of the wait holds: its timer is no longer wanted.
    package mutating func satisfyCondition(_ id: WaitID) {
        guard case .condition(let timer) = waits.removeValue(forKey: id) else { return }
        if let timer { cancelTimer(timer, of: id) }
    }

    private mutating func cancelTimer(_ timer: TimerWait, of id: WaitID) {
        guard let started = timer.startedEventID else {
            requests.removeAll { $0.origin == .wait(id) }
            return
        }
        timerWaits[started] = nil
        requests.append(
            Request(command: .cancelTimer(timerID: timer.timerID, startedEventID: started), origin: .none)
        )
    }

    /// The task that waits was cancelled.
    package mutating func cancel(_ id: WaitID) -> Effect {
        let canceled = Outcome.failure(
            CanceledFailure(reason: cancelReason ?? "The workflow cancelled what it was waiting for.").failureInfo
        )
        switch waits[id] {
        case .activity(let activity): return cancel(activity, id, canceled)
        case .timer(let timer), .condition(.some(let timer)):
            cancelTimer(timer, of: id)
            return resume([id], canceled)
        case .condition(.none): return resume([id], canceled)
        case .childStart(let number), .childResult(let number):
            return cancelChild(number, canceled)
        case .none: return .nothing
        }
    }

    private mutating func cancel(_ activity: ActivityWait, _ id: WaitID, _ canceled: Outcome) -> Effect {
        guard let scheduled = activity.scheduledEventID else {
            requests.removeAll { $0.origin == .wait(id) }
            return resume([id], canceled)
        }
        if activity.cancellationType != .abandon, !activity.isCancelRequested {
            var asked = activity
            asked.isCancelRequested = true
            waits[id] = .activity(asked)
            requests.append(
                Request(command: .requestCancelActivityTask(scheduledEventID: scheduled), origin: .none)
            )
        }
        if activity.cancellationType == .waitCancellationCompleted { return .nothing }
        activityWaits[scheduled] = nil
        forsakenActivities.insert(scheduled)
        return resume([id], canceled)
    }

    /// Asks a child to cancel; those who wait for it learn how it ends. A child that was not yet asked for is dropped.
    package mutating func cancelChild(_ number: Int, _ canceled: Outcome? = nil) -> Effect {
        guard children[number].outcome == nil, !children[number].isCancelRequested else { return .nothing }
        children[number].isCancelRequested = true
        let workflowID = children[number].initiated.workflowID
        guard let initiated = children[number].initiatedEventID else {
            requests.removeAll { $0.origin == .child(number) }
            let outcome = canceled ?? .failure(CanceledFailure(reason: "The workflow cancelled the child.").failureInfo)
            children[number].outcome = outcome
            let waiting = (children[number].startWaits + children[number].resultWaits).sorted()
            return resume(waiting, outcome)
        }
        requests.append(
            Request(
                command: .requestCancelExternalWorkflowExecution(
                    workflowID: workflowID,
                    childInitiatedEventID: initiated
                ),
                origin: .none
            )
        )
        return .nothing
    }

    package mutating func awaitChildStart(_ number: Int) -> WaitID {
        let id = newWait(.childStart(number))
        children[number].startWaits.append(id)
        return id
    }

    package mutating func awaitChildResult(_ number: Int) -> WaitID {
        let id = newWait(.childResult(number))
        if children[number].outcome == nil { children[number].resultWaits.append(id) }
        return id
    }

    /// How the child ended, if it has.
    package func childOutcome(_ number: Int) -> Outcome? { children[number].outcome }

    package mutating func close(with command: Command) {
        requests.append(Request(command: command, origin: .none))
    }

    /// Drops what the turn asked for and closes the execution: a limit was passed.
    package mutating func closeByLimit(_ failure: FailureInfo) {
        requests = [Request(command: .failWorkflowExecution(failure), origin: .none)]
    }

    // MARK: The end of a turn

    /// The turn's commands; the first becomes event `firstEventID`, the others follow without gaps.
    package mutating func endTurn(firstEventID: Int) -> [Command] {
        for (offset, request) in requests.enumerated() {
            let eventID = firstEventID + offset
            switch request.origin {
            case .none: break
            case .child(let number):
                children[number].initiatedEventID = eventID
                childNumbers[eventID] = number
            case .wait(let id): learn(eventID, for: id)
            }
        }
        defer {
            eventsSeen += requests.count
            requests = []
        }
        return requests.map(\.command)
    }

    private mutating func learn(_ eventID: Int, for id: WaitID) {
        switch waits[id] {
        case .activity(var activity):
            activity.scheduledEventID = eventID
            waits[id] = .activity(activity)
            activityWaits[eventID] = id
        case .timer(var timer):
            timer.startedEventID = eventID
            waits[id] = .timer(timer)
            timerWaits[eventID] = id
        case .condition(.some(var timer)):
            timer.startedEventID = eventID
            waits[id] = .condition(timer)
            timerWaits[eventID] = id
        case .condition(.none), .childStart, .childResult, .none: break
        }
    }
}
