import Foundation
import Logging
import Workflows

/// Turns, and what their commands mean.
extension EngineCore {
    func takeTurn(_ execution: Execution) {
        guard let instance = execution.instance, !execution.pending.isEmpty else { return }
        let time = now
        var commands: [Command]
        do {
            commands = try instance.takeTurn(execution.pending, at: time, completedEventID: execution.lastEventID + 1)
        } catch {
            stall(execution, (error as? TurnFailure)?.failureInfo ?? FailureInfo(describing: error))
            return
        }
        for warning in instance.takeWarnings() {
            logger.warning("\(warning)", metadata: ids(of: execution.record))
        }
        logger.trace(
            "a turn: \(execution.pending.count) events, \(commands.count) commands",
            metadata: ids(of: execution.record)
        )
        execution.pending = []
        append(.workflowTaskCompleted(), to: execution, at: time)
        let length = execution.lastEventID + commands.count
        if length > execution.historyLimit.maximumEvents {
            commands = [
                .failWorkflowExecution(
                    LimitFailure.history(length: length, maximumEvents: execution.historyLimit.maximumEvents)
                )
            ]
        }
        for command in commands { perform(command, of: execution, at: time) }
    }

    private func perform(_ command: Command, of execution: Execution, at time: Date) {
        lazy var nextID = SortableID.make(at: time)
        let event = append(command.attributes(newExecutionID: nextID), to: execution, at: time)
        switch command {
        case .scheduleActivityTask(let scheduled):
            add(ActivityWork(scheduled: scheduled, scheduledEventID: event.id, scheduledAt: time), to: execution)
        case .requestCancelActivityTask(let scheduled): cancelActivity(scheduled, of: execution)
        case .startTimer(let timerID, let duration):
            let due = Due.timer(executionID: execution.record.executionID, startedEventID: event.id)
            execution.timers[event.id] = (timerID, schedule(at: time.addingTimeInterval(duration.inSeconds), due))
        case .cancelTimer(_, let started):
            if let timer = execution.timers.removeValue(forKey: started) { deadlines.remove(timer.deadline) }
        case .startChildWorkflowExecution(let initiated):
            childStarts.append((execution.record.executionID, event.id, initiated))
        case .requestCancelExternalWorkflowExecution(let workflowID, _):
            if let id = openByWorkflowID[workflowID], let child = executions[id] {
                deliver(.workflowExecutionCancelRequested(reason: "The parent asked for it."), to: child)
            }
        case .completeWorkflowExecution(let result): close(execution, .completed, .result(result))
        case .failWorkflowExecution(let failure): close(execution, .failed, .failure(failure))
        case .cancelWorkflowExecution(let failure): close(execution, .canceled, .failure(failure))
        case .continueAsNewWorkflowExecution(let input): handOver(execution, to: nextID, input: input, at: time)
        }
    }

    /// Lets an execution wait for a fixed program; it keeps all it has. Those who wait for it or for what it is part of learn of it.
    func stall(_ execution: Execution, _ failure: FailureInfo) {
        guard execution.stall == nil else { return }
        execution.stall = failure
        writes.append(.stall(executionID: execution.record.executionID, failure))
        let instance = execution.instance
        execution.instance = nil
        logger.error("\(failure)", metadata: ids(of: execution.record))
        let error = WorkflowClientError(
            .stalled,
            "Execution \(execution.record.executionID) of workflow \(execution.record.workflowID) waits for a fixed program: \(failure)"
        )
        var affected: Execution? = execution
        var workflowIDs: [String] = []
        while let next = affected {
            workflowIDs.append(next.record.workflowID)
            affected = next.record.parent.flatMap { executions[$0.executionID] }
        }
        effects.append {
            instance?.release()
            for workflowID in workflowIDs { self.answer(workflowID, .failure(error)) }
        }
    }

    /// Ends an execution: tells its parent, and its children as their policy says.
    func close(_ execution: Execution, _ status: ExecutionStatus, _ end: ExecutionEnd) {
        let record = execution.record
        logger.debug("\(record.workflowType) ended as \(status.rawValue)", metadata: ids(of: record))
        retire(execution, status)
        openByWorkflowID[record.workflowID] = nil
        if let parent = record.parent, let parentExecution = executions[parent.executionID] {
            parentExecution.children.remove(record.executionID)
            deliver(parentEvent(record, parent, status, end), to: parentExecution)
        }
        for id in execution.children.sorted() {
            guard let child = executions[id] else { continue }
            switch child.record.parentClosePolicy {
            case .abandon: break
            case .requestCancel: deliver(.workflowExecutionCancelRequested(reason: "The parent closed."), to: child)
            case .terminate:
                act(on: .terminate(workflowID: child.record.workflowID, reason: "The parent closed."), child)
            }
        }
        effects.append { self.answer(record.workflowID, end.result) }
        wake()
    }

    private func parentEvent(
        _ record: ExecutionRecord,
        _ parent: ParentExecution,
        _ status: ExecutionStatus,
        _ end: ExecutionEnd
    ) -> HistoryEvent.Attributes {
        let initiated = parent.initiatedEventID
        switch end {
        case .result(let payload):
            return .childWorkflowExecutionCompleted(
                initiatedEventID: initiated,
                executionID: record.executionID,
                result: payload
            )
        case .failure(let cause):
            let failure = FailureInfo(
                kind: .childWorkflow(
                    workflowType: record.workflowType,
                    workflowID: record.workflowID,
                    executionID: record.executionID
                ),
                type: "ChildWorkflowFailure",
                message: "child workflow \(record.workflowID) ended as \(status.rawValue)",
                cause: cause
            )
            switch status {
            case .canceled:
                return .childWorkflowExecutionCanceled(
                    initiatedEventID: initiated,
                    executionID: record.executionID,
                    failure: failure
                )
            case .terminated:
                return .childWorkflowExecutionTerminated(
                    initiatedEventID: initiated,
                    executionID: record.executionID,
                    failure: failure
                )
            default:
                return .childWorkflowExecutionFailed(
                    initiatedEventID: initiated,
                    executionID: record.executionID,
                    failure: failure
                )
            }
        }
    }

    /// Takes a closed execution out of memory.
    private func retire(_ execution: Execution, _ status: ExecutionStatus) {
        let record = execution.record
        writes.append(.close(executionID: record.executionID, status, at: now))
        executions[record.executionID] = nil
        for timer in execution.timers.values { deadlines.remove(timer.deadline) }
        for work in execution.activitiesInOrder { abandon(work) }
        execution.activities = [:]
        if let instance = execution.instance {
            execution.instance = nil
            effects.append { instance.release() }
        }
    }

    /// Continue-as-new: ends the execution and starts the next of its chain, in one transaction.
    private func handOver(_ execution: Execution, to nextID: String, input: Payload, at time: Date) {
        let old = execution.record
        let signals = execution.instance?.unhandledSignals ?? []
        logger.debug(
            "\(old.workflowType) continues as execution \(nextID), after \(execution.lastEventID) events",
            metadata: ids(of: old)
        )
        retire(execution, .continuedAsNew)
        var record = old
        record.executionID = nextID
        record.previousExecutionID = old.executionID
        record.startedAt = time
        record.historyLength = 0
        let started = WorkflowExecutionStarted(
            workflowID: old.workflowID,
            executionID: nextID,
            firstExecutionID: old.firstExecutionID,
            continuedExecutionID: old.executionID,
            continuedCount: execution.continuedCount + 1,
            workflowType: old.workflowType,
            input: input,
            parent: old.parent,
            historyLimit: execution.historyLimit
        )
        let next = open(record, started)
        if let parent = old.parent, let parentExecution = executions[parent.executionID] {
            parentExecution.children.remove(old.executionID)
            parentExecution.children.insert(nextID)
        }
        for signal in signals {
            deliver(.workflowExecutionSignaled(signalName: signal.name, input: signal.input), to: next)
        }
    }

    /// Puts a new execution into memory and into the round's writes.
    @discardableResult
    func open(_ record: ExecutionRecord, _ started: WorkflowExecutionStarted) -> Execution {
        let execution = Execution(record: record, historyLimit: started.historyLimit)
        execution.continuedCount = started.continuedCount
        logger.debug("\(record.workflowType) begins", metadata: ids(of: record))
        writes.append(.create(record))
        executions[record.executionID] = execution
        openByWorkflowID[record.workflowID] = record.executionID
        deliver(.workflowExecutionStarted(started), to: execution)
        return execution
    }

    /// Starts the children that turns of this round asked for. Whether a workflow id is free is asked of the store, since another
    /// process may have it open.
    func startChildren() async throws {
        while !childStarts.isEmpty {
            let (parentID, eventID, initiated) = childStarts.removeFirst()
            let refusal = try await refusal(of: initiated.workflowID, policy: initiated.options.idReusePolicy)
            guard let parent = executions[parentID] else { continue }
            if let refusal {
                let failure = FailureInfo(
                    kind: .childWorkflow(
                        workflowType: initiated.workflowType,
                        workflowID: initiated.workflowID,
                        executionID: nil
                    ),
                    type: "ChildWorkflowFailure",
                    message: "child workflow \(initiated.workflowID) could not be started",
                    cause: FailureInfo(
                        kind: .application(nonRetryable: true),
                        type: "WorkflowClientError",
                        message: refusal.message
                    )
                )
                deliver(.startChildWorkflowExecutionFailed(initiatedEventID: eventID, failure: failure), to: parent)
                continue
            }
            let record = startChild(initiated, of: parent, eventID: eventID)
            deliver(
                .childWorkflowExecutionStarted(initiatedEventID: eventID, executionID: record.executionID),
                to: parent
            )
        }
    }

    private func startChild(
        _ initiated: StartChildWorkflowExecutionInitiated,
        of parent: Execution,
        eventID: Int
    ) -> ExecutionRecord {
        let id = SortableID.make(at: now)
        let link = ParentExecution(
            workflowID: parent.record.workflowID,
            executionID: parent.record.executionID,
            initiatedEventID: eventID
        )
        let record = ExecutionRecord(
            workflowID: initiated.workflowID,
            executionID: id,
            firstExecutionID: id,
            workflowType: initiated.workflowType,
            parent: link,
            parentClosePolicy: initiated.options.parentClosePolicy,
            status: .running,
            startedAt: now,
            historyLength: 0,
            ownerID: ownerID
        )
        parent.children.insert(id)
        open(
            record,
            WorkflowExecutionStarted(
                workflowID: initiated.workflowID,
                executionID: id,
                firstExecutionID: id,
                workflowType: initiated.workflowType,
                input: initiated.input,
                parent: link,
                historyLimit: initiated.options.historyLimit ?? parent.historyLimit
            )
        )
        return record
    }

    /// Why a workflow id cannot be used now.
    func refusal(of workflowID: String, policy: WorkflowIDReusePolicy) async throws -> WorkflowClientError? {
        if openByWorkflowID[workflowID] != nil {
            return WorkflowClientError(.alreadyRunning, "An execution of workflow id \(workflowID) is open.")
        }
        guard let last = try await store.chain(of: workflowID).last else { return nil }
        if last.status == .running {
            return WorkflowClientError(.alreadyRunning, "An execution of workflow id \(workflowID) is open.")
        }
        switch policy {
        case .allowDuplicate: return nil
        case .allowDuplicateFailedOnly where last.status != .completed: return nil
        case .allowDuplicateFailedOnly, .rejectDuplicate:
            return WorkflowClientError(
                .alreadyUsed,
                "The workflow id \(workflowID) was used by execution \(last.executionID), and may not be used again."
            )
        }
    }

    /// Answers those who wait for a workflow's end.
    func answer(_ workflowID: String, _ result: Result<Payload, any Error>) {
        for waiter in waiters.removeValue(forKey: workflowID) ?? [] { waiter.resume(with: result) }
    }
}
