import DequeModule
import Foundation
import Logging
import Workflows

/// The engine's state and its rounds.
///
/// A round takes every turn that is due, then commits all that they wrote in one transaction (group commit), then does what follows
/// from it: starts activities, answers clients. Nothing leaves the engine before the commit that holds it.
actor EngineCore {
    /// What a deadline asks for.
    enum Due {
        case timer(executionID: String, startedEventID: Int)
        case retry(executionID: String, scheduledEventID: Int)
        case timeout(executionID: String, scheduledEventID: Int, token: Int, TimeoutKind)
    }

    enum Phase {
        case running
        /// Finishes the activities in flight; takes no turn and starts nothing.
        case draining
        case stopped((any Error)?)
    }

    let store: any HistoryStore
    let clock: any EngineClock
    let options: EngineOptions
    let logger: Logger
    let ownerID: String
    let workflows: [String: WorkflowDefinition]
    let activityDefinitions: [String: ActivityDefinition]
    /// Told, with its date, whenever nothing is left to do but wait for a deadline.
    let onIdle: @Sendable (_ next: Date?) -> Void

    var phase = Phase.running
    var executions: [String: Execution] = [:]
    /// The open execution of each workflow id.
    var openByWorkflowID: [String: String] = [:]
    var ready: Deque<String> = []
    var writes: [StoreWrite] = []
    /// Executions with events that are not in ``writes`` yet, and their places there.
    private var unwritten: [(place: Int, execution: Execution)] = []
    var effects: [() -> Void] = []
    var childStarts: [(parentID: String, eventID: Int, StartChildWorkflowExecutionInitiated)] = []
    var deadlines = DeadlineQueue<Due>()
    var activityQueue: Deque<(executionID: String, scheduledEventID: Int)> = []
    var runningActivities = 0
    /// The task whose attempt has just ended, for as long as the round that follows lasts, and what it is to do after it.
    var waitingWorker: (task: Task<Void, Never>, next: Attempt?)?
    /// Rounds that such tasks have led.
    var roundsInPlace = 0
    var waiters: [String: [CheckedContinuation<Payload, any Error>]] = [:]
    /// Those who wait for the next commit, and those whose commit is under way.
    var commitWaiters: [CheckedContinuation<Void, Never>] = []
    private var commitsUnderWay: [CheckedContinuation<Void, Never>] = []
    var stopWaiters: [CheckedContinuation<Void, any Error>] = []
    var drainWaiters: [CheckedContinuation<Void, Never>] = []
    /// Whether a round is under way or on its way.
    var isProcessing = false
    private var sleeper: (date: Date, task: Task<Void, Never>)?
    private var requestPoller: Task<Void, Never>?
    private var cachedInstances: Deque<String> = []

    init(
        store: any HistoryStore,
        clock: any EngineClock,
        options: EngineOptions,
        logger: Logger,
        ownerID: String,
        workflows: [any Workflow.Type],
        activities: [any Activity],
        onIdle: @escaping @Sendable (_ next: Date?) -> Void
    ) {
        self.store = store
        self.clock = clock
        self.options = options
        self.logger = logger
        self.ownerID = ownerID
        self.onIdle = onIdle
        func definition<W: Workflow>(_ type: W.Type) -> WorkflowDefinition { WorkflowDefinition(type) }
        func definition<A: Activity>(_ activity: A) -> ActivityDefinition { ActivityDefinition(activity) }
        self.workflows = Dictionary(
            workflows.map { definition($0) }.map { ($0.workflowType, $0) },
            uniquingKeysWith: { _, last in last }
        )
        activityDefinitions = Dictionary(
            activities.map { definition($0) }.map { ($0.activityType, $0) },
            uniquingKeysWith: { _, last in last }
        )
    }

    // MARK: Events

    /// The present time in the unit of histories.
    var now: Date { Date(wholeMilliseconds: clock.now.wholeMilliseconds) }

    /// Writes an event at the end of a history.
    @discardableResult
    func append(_ attributes: HistoryEvent.Attributes, to execution: Execution, at time: Date? = nil) -> HistoryEvent {
        execution.lastEventID += 1
        let event = HistoryEvent(id: execution.lastEventID, timestamp: time ?? now, attributes: attributes)
        if execution.unwritten.isEmpty {
            unwritten.append((writes.count, execution))
            // Its place; the round's other events of the execution will be written here too.
            writes.append(.append(executionID: execution.record.executionID, []))
        }
        execution.unwritten.append(event)
        return event
    }

    /// Writes an event that the code has to learn.
    func deliver(_ attributes: HistoryEvent.Attributes, to execution: Execution) {
        execution.pending.append(append(attributes, to: execution))
        makeReady(execution)
    }

    func makeReady(_ execution: Execution) {
        if !execution.isReady, execution.stall == nil {
            execution.isReady = true
            ready.append(execution.record.executionID)
        }
        wake()
    }

    // MARK: Rounds

    /// Sees to it that a round comes.
    func wake() {
        guard !isProcessing else { return }
        isProcessing = true
        Task { await self.process() }
    }

    func process() async {
        do {
            while case let phase = phase, !phase.isStopped {
                if case .running = phase { try await takeTurns() }
                try await startChildren()
                guard !writes.isEmpty || !effects.isEmpty || !commitWaiters.isEmpty else { break }
                let (batch, followUps) = (takeWrites(), effects)
                effects = []
                (commitsUnderWay, commitWaiters) = (commitWaiters, [])
                if !batch.isEmpty { try await store.commit(batch) }
                if self.phase.isStopped { break }
                for followUp in followUps { followUp() }
                for waiter in commitsUnderWay { waiter.resume() }
                commitsUnderWay = []
                evictInstances()
            }
        } catch {
            stop(because: error)
        }
        isProcessing = false
        guard !phase.isStopped else { return }
        armSleeper()
        finishDrainIfDone()
        if runningActivities == 0, activityQueue.isEmpty, ready.isEmpty { onIdle(deadlines.nextDate()) }
    }

    private func takeWrites() -> [StoreWrite] {
        for (place, execution) in unwritten {
            writes[place] = .append(executionID: execution.record.executionID, execution.unwritten)
            execution.unwritten = []
        }
        unwritten = []
        defer { writes = [] }
        return writes
    }

    private func takeTurns() async throws {
        while let id = ready.popFirst() {
            guard let execution = executions[id] else { continue }
            execution.isReady = false
            if execution.instance == nil {
                do {
                    try await revive(execution)
                } catch let failure as TurnFailure {
                    stall(execution, failure.failureInfo)
                    continue
                }
                guard executions[id] === execution else { continue }
            }
            takeTurn(execution)
        }
    }

    /// Leads fresh code to where the history stands.
    private func revive(_ execution: Execution) async throws {
        let type = execution.record.workflowType
        guard let definition = workflows[type] else {
            throw TurnFailure(.invalidRequest, "The workflow type \(type) is not registered with this engine.")
        }
        let executionID = execution.record.executionID
        let instance = WorkflowInstance(definition, payloadLimit: options.payloadLimit) { [weak self] in
            guard let self else { return }
            Task { await self.foreignWake(of: executionID) }
        }
        // A new execution, whose first events may not be committed yet, has no turn to repeat.
        if execution.lastEventID > execution.pending.count {
            let history = try await store.history(of: executionID)
            try instance.replay(HistoryTurns(history).turns)
        }
        execution.instance = instance
        cachedInstances.append(executionID)
    }

    private func foreignWake(of executionID: String) {
        guard let execution = executions[executionID] else { return }
        stall(execution, TurnFailure.foreignWait.failureInfo)
        wake()
    }

    /// Forgets the code of executions that have been idle the longest.
    private func evictInstances() {
        var examined = 0
        while cachedInstances.count > options.maximumCachedInstances, examined < cachedInstances.count {
            guard let id = cachedInstances.popFirst() else { break }
            guard let execution = executions[id], let instance = execution.instance else { continue }
            if execution.isReady || !execution.pending.isEmpty {
                cachedInstances.append(id)
                examined += 1
                continue
            }
            execution.instance = nil
            instance.release()
        }
    }

    // MARK: Deadlines

    func schedule(at date: Date, _ due: Due) -> DeadlineQueue<Due>.ID { deadlines.add(at: date, due) }

    /// One task sleeps until the earliest deadline.
    func armSleeper() {
        guard let date = deadlines.nextDate() else { return }
        // One that wakes too early sleeps again: deadlines are met far more often than missed, and each would cost a task otherwise.
        if let sleeper, sleeper.date <= date { return }
        sleeper?.task.cancel()
        let clock = clock
        sleeper = (
            date,
            Task { [weak self] in
                // A cancelled sleep means that an earlier deadline came, or the engine stopped.
                guard (try? await clock.sleep(until: date)) != nil else { return }
                await self?.handleDue()
            }
        )
    }

    private func handleDue() {
        sleeper = nil
        guard !phase.isStopped else { return }
        while let due = deadlines.takeDue(at: clock.now) {
            switch due {
            case .timer(let executionID, let started): fireTimer(executionID, started)
            case .retry(let executionID, let scheduled): retryIsDue(executionID, scheduled)
            case .timeout(let executionID, let scheduled, let token, let kind):
                timeOut(executionID, scheduled, token, kind)
            }
        }
        wake()
        armSleeper()
    }

    private func fireTimer(_ executionID: String, _ started: Int) {
        guard let execution = executions[executionID], let timer = execution.timers.removeValue(forKey: started) else {
            return
        }
        deliver(.timerFired(timerID: timer.timerID, startedEventID: started), to: execution)
    }

    // MARK: Requests of other processes

    func pollRequests() {
        guard let interval = options.requestInterval else { return }
        requestPoller = Task { [weak self, store] in
            var seen = -1
            while !Task.isCancelled {
                // The mark is one small read; requests themselves are read only when it moved.
                do {
                    let mark = try await store.changeMark()
                    if mark != seen {
                        seen = mark
                        try await self?.takeRequests()
                    }
                    try await Task.sleep(for: interval)
                } catch is CancellationError {
                    return
                } catch {
                    await self?.stop(because: error)
                    return
                }
            }
        }
    }

    func takeRequests() async throws {
        for stored in try await store.requests(for: ownerID) {
            guard let id = openByWorkflowID[stored.request.workflowID], let execution = executions[id] else { continue }
            writes.append(.consume(requestID: stored.id))
            act(on: stored.request, execution)
        }
        wake()
    }

    func act(on request: EngineRequest, _ execution: Execution) {
        switch request {
        case .signal(_, let name, let input):
            deliver(.workflowExecutionSignaled(signalName: name, input: input), to: execution)
        case .cancel(_, let reason): deliver(.workflowExecutionCancelRequested(reason: reason), to: execution)
        case .terminate(_, let reason):
            append(.workflowExecutionTerminated(reason: reason), to: execution)
            close(execution, .terminated, .failure(TerminatedFailure(reason: reason).failureInfo))
        }
    }

    // MARK: The end

    func finishDrainIfDone() {
        guard case .draining = phase, runningActivities == 0, !isProcessing, writes.isEmpty else { return }
        resumeDrainWaiters()
    }

    func resumeDrainWaiters() {
        for waiter in drainWaiters { waiter.resume() }
        drainWaiters = []
    }

    /// Ends all work at once; what is committed stands.
    func stop(because error: (any Error)?) {
        guard !phase.isStopped else { return }
        phase = .stopped(error)
        requestPoller?.cancel()
        sleeper?.task.cancel()
        for execution in executionsInOrder {
            for work in execution.activitiesInOrder {
                if case .running(let task) = work.stage { task.cancel() }
            }
            execution.instance?.release()
            execution.instance = nil
        }
        // They ask afterwards whether the engine still runs.
        for waiter in commitWaiters + commitsUnderWay { waiter.resume() }
        (commitWaiters, commitsUnderWay) = ([], [])
        let reason = error ?? WorkflowClientError(.engineStopped, "The engine has stopped.")
        for continuation in waiters.values.flatMap({ $0 }) { continuation.resume(throwing: reason) }
        waiters = [:]
        for waiter in stopWaiters {
            if let error { waiter.resume(throwing: error) } else { waiter.resume() }
        }
        stopWaiters = []
        resumeDrainWaiters()
    }

    func beginDrain() {
        if case .running = phase { phase = .draining }
    }

    /// The oldest first: nothing unordered decides anything.
    var executionsInOrder: [Execution] { executions.sorted { $0.key < $1.key }.map(\.value) }

    func cancelRunningActivities(where condition: (ActivityWork) -> Bool = { _ in true }) {
        for execution in executionsInOrder {
            for work in execution.activitiesInOrder where condition(work) {
                if case .running(let task) = work.stage { task.cancel() }
            }
        }
    }
}

extension EngineCore.Phase {
    var isStopped: Bool {
        if case .stopped = self { true } else { false }
    }
}
