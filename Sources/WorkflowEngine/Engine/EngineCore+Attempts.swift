import DequeModule
import Foundation
import Workflows

/// Attempts of activities while they run.
extension EngineCore {
    /// Starts attempts while workers are free.
    func startActivities() {
        guard case .running = phase else { return }
        while runningActivities < options.maximumConcurrentActivities, let next = activityQueue.popFirst() {
            guard let execution = executions[next.executionID], let work = execution.activities[next.scheduledEventID],
                case .queued = work.stage
            else { continue }
            start(work, of: execution)
        }
        armSleeper()
    }

    private func start(_ work: ActivityWork, of execution: Execution) {
        let (id, eventID) = (execution.record.executionID, work.scheduledEventID)
        work.token += 1
        let token = work.token
        clearDeadlines(of: work)
        work.startedAt = now
        runningActivities += 1
        let limits = work.scheduled.options
        work.deadlines.append(
            schedule(
                at: clock.now.addingTimeInterval(limits.startToClose.inSeconds),
                .timeout(executionID: id, scheduledEventID: eventID, token: token, .startToClose)
            )
        )
        expectHeartbeat(of: work, id)
        guard let definition = activityDefinitions[work.scheduled.activityType] else {
            let failure = ApplicationFailure(
                type: "UnknownActivityType",
                message: "The activity \(work.scheduled.activityType) is not registered with this engine."
            )
            leave(work)
            attemptFailed(work, of: execution, failure.failureInfo)
            return
        }
        let attempt = Attempt(
            definition: definition,
            input: work.scheduled.input,
            context: context(of: work, execution, token: token),
            executionID: id,
            scheduledEventID: eventID,
            token: token
        )
        work.stage = .running(run(attempt))
    }

    /// Has the attempt made by the worker that waits for one, or by a new one.
    private func run(_ attempt: Attempt) -> Task<Void, Never> {
        if let worker = waitingWorker, worker.next == nil {
            waitingWorker?.next = attempt
            return worker.task
        }
        // Detached: activities run on the global executor, never on the engine's.
        return Task.detached { [weak self] in
            var next: Attempt? = attempt
            while let attempt = next { next = await self?.ended(attempt, await attempt.result()) }
        }
    }

    private func context(of work: ActivityWork, _ execution: Execution, token: Int) -> ActivityContext {
        let (id, eventID, box, limit) = (
            execution.record.executionID, work.scheduledEventID, work.heartbeats, options.payloadLimit
        )
        let info = ActivityInfo(
            workflowID: execution.record.workflowID,
            executionID: id,
            firstExecutionID: execution.record.firstExecutionID,
            activityID: work.scheduled.activityID,
            activityType: work.scheduled.activityType,
            attempt: work.attempt,
            scheduledAt: work.scheduledAt,
            startedAt: work.startedAt
        )
        return ActivityContext(info: info, lastDetails: box.details, idleness: work.idleness) { [weak self] details in
            guard details.bytes.count <= limit else {
                throw LimitFailure.payload("The heartbeat's details", byteCount: details.bytes.count, limit: limit)
                    .error
            }
            guard box.put(details), let self else { return }
            Task { await self.heartbeatCame(id, eventID, token) }
        }
    }

    private func expectHeartbeat(of work: ActivityWork, _ id: String) {
        guard let limit = work.scheduled.options.heartbeatTimeout else { return }
        work.deadlines.append(
            schedule(
                at: clock.now.addingTimeInterval(limit.inSeconds),
                .timeout(executionID: id, scheduledEventID: work.scheduledEventID, token: work.token, .heartbeat)
            )
        )
    }

    private func heartbeatCame(_ id: String, _ eventID: Int, _ token: Int) {
        guard let work = executions[id]?.activities[eventID], work.token == token, case .running = work.stage else {
            return
        }
        if let details = work.heartbeats.take() {
            writes.append(.heartbeat(executionID: id, scheduledEventID: eventID, details))
        }
        if work.scheduled.options.heartbeatTimeout != nil, let old = work.deadlines.popLast() {
            deadlines.remove(old)
            expectHeartbeat(of: work, id)
        }
        wake()
    }

    /// An attempt that ran by itself came to its end.
    ///
    /// - Returns: what its worker has to do next.
    private func ended(_ attempt: Attempt, _ result: Result<Payload, any Error>) async -> Attempt? {
        let work = executions[attempt.executionID]?.activities[attempt.scheduledEventID]
        guard !isProcessing, !Task.isCancelled, let work, work.token == attempt.token,
            case .running(let task) = work.stage
        else {
            end(attempt, result)
            return nil
        }
        // The round that follows needs no task of its own, and the first attempt that it starts needs no new one either: to wake a thread
        // takes longer than all of the round.
        isProcessing = true
        waitingWorker = (task, nil)
        end(attempt, result)
        await process()
        let next = waitingWorker?.next
        waitingWorker = nil
        roundsInPlace += 1
        // Who keeps the engine's thread to itself has to let others in now and then: clients, and those who ask how far it is.
        if roundsInPlace.isMultiple(of: 64) { await Task.yield() }
        return next
    }

    func leave(_ work: ActivityWork) {
        runningActivities -= 1
        clearDeadlines(of: work)
        work.stage = .queued
    }

    func clearDeadlines(of work: ActivityWork) {
        for deadline in work.deadlines { deadlines.remove(deadline) }
        work.deadlines = []
    }
}
