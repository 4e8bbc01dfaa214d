import Foundation
import Logging
import Workflows

/// What clients ask for.
extension EngineCore {
    func start(type: String, id workflowID: String, input: Payload, options: WorkflowOptions) async throws -> String {
        try checkRunning()
        guard workflows[type] != nil else {
            throw WorkflowClientError(
                .unknownWorkflowType,
                "The workflow type \(type) is not registered with this engine."
            )
        }
        guard input.bytes.count <= self.options.payloadLimit else {
            let failure = LimitFailure.payload(
                "The input",
                byteCount: input.bytes.count,
                limit: self.options.payloadLimit
            )
            throw WorkflowClientError(.payloadTooLarge, failure.message)
        }
        if let refusal = try await refusal(of: workflowID, policy: options.idReusePolicy) { throw refusal }
        // Asked again: another start may have come while the store was read.
        guard openByWorkflowID[workflowID] == nil else {
            throw WorkflowClientError(.alreadyRunning, "An execution of workflow id \(workflowID) is open.")
        }
        try checkRunning()
        let id = SortableID.make(at: now)
        let record = ExecutionRecord(
            workflowID: workflowID,
            executionID: id,
            firstExecutionID: id,
            workflowType: type,
            parentClosePolicy: .abandon,
            status: .running,
            startedAt: now,
            historyLength: 0,
            ownerID: ownerID
        )
        open(
            record,
            WorkflowExecutionStarted(
                workflowID: workflowID,
                executionID: id,
                firstExecutionID: id,
                workflowType: type,
                input: input,
                historyLimit: options.historyLimit ?? self.options.historyLimit
            )
        )
        await committed()
        try checkRunning()
        return id
    }

    /// Returns after the next commit, which holds all that was written up to now, or when the engine stops.
    private func committed() async {
        guard !phase.isStopped else { return }
        await withCheckedContinuation { continuation in
            commitWaiters.append(continuation)
            wake()
        }
    }

    func result(of workflowID: String) async throws -> Payload {
        // A turn may have closed it whose commit is under way: the store does not know of it yet.
        if openByWorkflowID[workflowID] == nil, isProcessing { await committed() }
        if openByWorkflowID[workflowID] == nil {
            guard let last = try await store.chain(of: workflowID).last else {
                throw WorkflowClientError(.notFound, "There is no workflow \(workflowID).")
            }
            if last.status != .running { return try await closedResult(of: last) }
            guard openByWorkflowID[workflowID] != nil else {
                throw WorkflowClientError(
                    .notRunning,
                    "Workflow \(workflowID) is carried on by another process, or by none: adopt it first."
                )
            }
        }
        try checkRunning()
        if let id = openByWorkflowID[workflowID], let stall = executions[id]?.stall {
            throw WorkflowClientError(.stalled, "Execution \(id) waits for a fixed program: \(stall)")
        }
        return try await withCheckedThrowingContinuation { waiters[workflowID, default: []].append($0) }
    }

    private func closedResult(of record: ExecutionRecord) async throws -> Payload {
        switch try await store.history(of: record.executionID).last?.attributes {
        case .workflowExecutionCompleted(let result): return result
        case .workflowExecutionFailed(let failure), .workflowExecutionCanceled(let failure): throw failure.error
        case .workflowExecutionTerminated(let reason): throw TerminatedFailure(reason: reason)
        default: throw EngineFailure("The history of execution \(record.executionID) has no end, though it is closed.")
        }
    }

    func request(_ request: EngineRequest) async throws {
        if let id = openByWorkflowID[request.workflowID], let execution = executions[id] {
            try checkRunning()
            act(on: request, execution)
            await committed()
            try checkRunning()
        } else {
            try await store.appendForOpenExecution(request)
        }
    }

    func query(_ workflowID: String, _ name: String, _ parameter: Payload) async throws -> Payload {
        if let id = openByWorkflowID[workflowID], let execution = executions[id], let instance = execution.instance {
            return try Self.answer(try instance.query(name, parameter), name, workflowID)
        }
        return try await store.answerByReplay(workflowID, name, parameter, workflows: workflows)
    }

    static func answer(_ answer: Payload?, _ name: String, _ workflowID: String) throws -> Payload {
        guard let answer else {
            throw WorkflowClientError(.unknownQuery, "Workflow \(workflowID) has no handler for the query \(name).")
        }
        return answer
    }

    func checkRunning() throws {
        switch phase {
        case .running: break
        case .draining: throw WorkflowClientError(.engineStopped, "The engine is shutting down.")
        case .stopped(let error): throw error ?? WorkflowClientError(.engineStopped, "The engine has stopped.")
        }
    }

    func waitForStop() async throws {
        if case .stopped(let error) = phase {
            if let error { throw error }
            return
        }
        try await withCheckedThrowingContinuation { stopWaiters.append($0) }
    }

    /// Finishes what is in flight, for a limited time, and stops.
    func drain(for grace: Duration) async {
        guard case .running = phase else { return await unwind(for: grace) }
        beginDrain()
        for execution in executions.values where !execution.activities.isEmpty {
            logger.debug(
                "the engine stops, with \(execution.activities.count) open activities here",
                metadata: ids(of: execution.record)
            )
        }
        cancelRunningActivities { work in
            let isIdle = work.idleness.shutDown()
            return isIdle || activityDefinitions[work.scheduled.activityType]?.isCutShortByShutdown == true
        }
        let clock = clock
        let alarm = Task {
            // A cancelled sleep means that all was done in time.
            guard (try? await clock.sleep(until: clock.now.addingTimeInterval(grace.inSeconds))) != nil else { return }
            self.cancelRunningActivities()
        }
        await withCheckedContinuation { continuation in
            drainWaiters.append(continuation)
            wake()
        }
        alarm.cancel()
        stop(because: nil)
    }

    /// The engine has stopped by itself and cancelled its activities: waits, for a limited time, until they have cleaned up behind them.
    private func unwind(for grace: Duration) async {
        let running = runningTasks
        guard !running.isEmpty else { return }
        let clock = clock
        Task {
            for task in running { await task.value }
            self.resumeDrainWaiters()
        }
        let alarm = Task {
            // A cancelled sleep means that all was done in time.
            guard (try? await clock.sleep(until: clock.now.addingTimeInterval(grace.inSeconds))) != nil else { return }
            self.resumeDrainWaiters()
        }
        await withCheckedContinuation { drainWaiters.append($0) }
        alarm.cancel()
    }

    /// Stops at once, and waits for what cannot be stopped: activities that are under way.
    func abandon() async {
        let running = runningTasks
        stop(because: nil)
        for task in running { await task.value }
    }

    private var runningTasks: [Task<Void, Never>] {
        executionsInOrder.flatMap(\.activitiesInOrder).compactMap { work in
            if case .running(let task) = work.stage { task } else { nil }
        }
    }

    // MARK: Adoption

    func adopt(_ workflowID: String) async throws {
        try checkRunning()
        if openByWorkflowID[workflowID] != nil { return }
        guard let root = try await store.chain(of: workflowID).last else {
            throw WorkflowClientError(.notFound, "There is no workflow \(workflowID).")
        }
        guard root.status == .running else {
            throw WorkflowClientError(
                .notRunning,
                "Workflow \(workflowID) is not open: it ended as \(root.status.rawValue)."
            )
        }
        if let owner = try await store.owner(root.ownerID), owner.isAlive {
            throw WorkflowClientError(
                .ownedByLiveProcess(owner),
                "Workflow \(workflowID) is carried on by \(owner), which is alive."
            )
        }
        var family = [root]
        var generation = [root]
        while !generation.isEmpty {
            generation = try await store.openChildren(of: generation.map(\.executionID))
            family += generation
        }
        try await store.commit(family.map { .claim(executionID: $0.executionID, ownerID: ownerID) })
        logger.info("taken over, with \(family.count - 1) open executions below it", metadata: ids(of: root))
        for record in family { try await load(record) }
        for record in family {
            if let parent = record.parent { executions[parent.executionID]?.children.insert(record.executionID) }
        }
        try await takeRequests()
        wake()
    }

    /// Puts an execution into memory as its history left it: what is pending follows from the events.
    private func load(_ stored: ExecutionRecord) async throws {
        var record = stored
        record.ownerID = ownerID
        let history = try await store.history(of: record.executionID)
        guard case .workflowExecutionStarted(let started) = history.first?.attributes else {
            throw EngineFailure("The history of execution \(record.executionID) has no beginning.")
        }
        let execution = Execution(
            record: record,
            historyLimit: started.historyLimit,
            lastEventID: history.last?.id ?? 0
        )
        execution.continuedCount = started.continuedCount
        execution.pending = HistoryTurns(history).pendingEvents
        executions[record.executionID] = execution
        openByWorkflowID[record.workflowID] = record.executionID
        let attempts = try await store.attempts(of: record.executionID)
        let heartbeats = try await store.heartbeats(of: record.executionID)
        let open = OpenWork(history)
        for event in open.activities {
            guard case .activityTaskScheduled(let scheduled) = event.attributes else { continue }
            let work = ActivityWork(
                scheduled: scheduled,
                scheduledEventID: event.id,
                scheduledAt: event.timestamp,
                details: heartbeats[event.id]
            )
            let last = attempts.last { $0.scheduledEventID == event.id }
            work.attempt = (last?.attempt ?? 0) + 1
            work.lastFailure = last?.failure
            add(work, to: execution, notBefore: last?.nextAttemptAt)
            if open.cancelRequested.contains(event.id) { cancelActivity(event.id, of: execution) }
        }
        for event in open.timers {
            guard case .timerStarted(let timerID, let duration) = event.attributes else { continue }
            let due = Due.timer(executionID: record.executionID, startedEventID: event.id)
            execution.timers[event.id] = (
                timerID, schedule(at: event.timestamp.addingTimeInterval(duration.inSeconds), due)
            )
        }
        if !execution.pending.isEmpty { makeReady(execution) }
    }
}

/// What a history began and did not end.
private struct OpenWork {
    var activities: [HistoryEvent] = []
    var timers: [HistoryEvent] = []
    var cancelRequested: Set<Int> = []

    init(_ history: [HistoryEvent]) {
        var ended: Set<Int> = []
        for event in history {
            switch event.attributes {
            case .activityTaskScheduled: activities.append(event)
            case .timerStarted: timers.append(event)
            case .activityTaskCancelRequested(let id): cancelRequested.insert(id)
            case .activityTaskCompleted(let id, _, _), .activityTaskFailed(let id, _, _, _),
                .activityTaskTimedOut(let id, _, _, _),
                .activityTaskCanceled(let id, _, _), .timerFired(_, let id), .timerCanceled(_, let id):
                ended.insert(id)
            default: break
            }
        }
        activities.removeAll { ended.contains($0.id) }
        timers.removeAll { ended.contains($0.id) }
    }
}
