import Foundation
import Logging
import Workflows

/// What becomes of activities: how their attempts end, time limits, retries, cancellation.
extension EngineCore {
    /// Takes in an activity that a turn scheduled, or that a history left open.
    ///
    /// - Parameter notBefore: when its next attempt is due, if it failed before.
    func add(_ work: ActivityWork, to execution: Execution, notBefore: Date? = nil) {
        execution.activities[work.scheduledEventID] = work
        let id = execution.record.executionID
        if let closesAt = work.closesAt {
            work.scheduleToClose = schedule(
                at: closesAt,
                .timeout(executionID: id, scheduledEventID: work.scheduledEventID, token: -1, .scheduleToClose)
            )
        }
        if let notBefore, notBefore > clock.now {
            work.stage = .backingOff
            work.deadlines = [schedule(at: notBefore, .retry(executionID: id, scheduledEventID: work.scheduledEventID))]
        } else {
            effects.append { self.enqueue(work, of: execution) }
        }
    }

    private func enqueue(_ work: ActivityWork, of execution: Execution) {
        let id = execution.record.executionID
        guard executions[id]?.activities[work.scheduledEventID] === work else { return }
        work.stage = .queued
        if let limit = work.scheduled.options.scheduleToStart {
            work.deadlines = [
                schedule(
                    at: clock.now.addingTimeInterval(limit.inSeconds),
                    .timeout(
                        executionID: id,
                        scheduledEventID: work.scheduledEventID,
                        token: work.token,
                        .scheduleToStart
                    )
                )
            ]
        }
        activityQueue.append((id, work.scheduledEventID))
        startActivities()
    }

    /// An attempt came to its end.
    func end(_ attempt: Attempt, _ result: Result<Payload, any Error>) {
        let eventID = attempt.scheduledEventID
        guard let execution = executions[attempt.executionID], let work = execution.activities[eventID],
            work.token == attempt.token, case .running = work.stage
        else { return }
        leave(work)
        switch result {
        case .success(let payload) where payload.bytes.count > options.payloadLimit:
            let failure = LimitFailure.payload(
                "The result of activity \(work.scheduled.activityType)",
                byteCount: payload.bytes.count,
                limit: options.payloadLimit
            )
            attemptFailed(work, of: execution, failure)
        case .success(let payload):
            let started = closing(work, of: execution)
            deliver(
                .activityTaskCompleted(scheduledEventID: eventID, startedEventID: started, result: payload),
                to: execution
            )
        case .failure(let error) where error is CancellationError || FailureInfo(describing: error).kind == .canceled:
            attemptWasCancelled(work, of: execution)
        case .failure(let error): attemptFailed(work, of: execution, FailureInfo(describing: error))
        }
        startActivities()
        wake()
        finishDrainIfDone()
    }

    private func attemptWasCancelled(_ work: ActivityWork, of execution: Execution) {
        if let reason = work.cancelReason {
            let started = closing(work, of: execution)
            deliver(
                .activityTaskCanceled(scheduledEventID: work.scheduledEventID, startedEventID: started, reason: reason),
                to: execution
            )
        } else if case .running = phase {
            attemptFailed(work, of: execution, CanceledFailure(reason: "The activity cancelled itself.").failureInfo)
        } else {
            // The engine is leaving: the attempt does not count, and is made again by whoever carries on.
            work.stage = .backingOff
        }
    }

    func attemptFailed(_ work: ActivityWork, of execution: Execution, _ failure: FailureInfo) {
        let closedAt = now
        var decision = work.scheduled.options.retryPolicy.decision(
            after: failure,
            attempt: work.attempt,
            chance: .random(in: 0...1)
        )
        if work.cancelReason != nil { decision = .stop(.cancelRequested) }
        if case .retry(let wait) = decision, let closesAt = work.closesAt,
            closedAt.addingTimeInterval(wait.inSeconds) >= closesAt
        {
            decision = .stop(.timeout)
        }
        if case .timeout(let kind) = failure.kind, kind == .scheduleToStart || kind == .scheduleToClose {
            decision = .stop(.timeout)
        }
        var nextAttemptAt: Date?
        if case .retry(let wait) = decision { nextAttemptAt = closedAt.addingTimeInterval(wait.inSeconds) }
        logger.debug(
            "attempt \(work.attempt) of \(work.scheduled.activityType) failed: \(failure.logText)",
            metadata: ids(of: execution.record)
        )
        writes.append(
            .attempt(
                ActivityAttempt(
                    executionID: execution.record.executionID,
                    activityID: work.scheduled.activityID,
                    activityType: work.scheduled.activityType,
                    scheduledEventID: work.scheduledEventID,
                    attempt: work.attempt,
                    startedAt: work.startedAt,
                    closedAt: closedAt,
                    failure: failure,
                    nextAttemptAt: nextAttemptAt
                )
            )
        )
        if let details = work.heartbeats.take() {
            writes.append(
                .heartbeat(executionID: execution.record.executionID, scheduledEventID: work.scheduledEventID, details)
            )
        }
        switch decision {
        case .retry:
            work.lastFailure = failure
            work.attempt += 1
            work.stage = .backingOff
            work.deadlines = [
                schedule(
                    at: nextAttemptAt ?? closedAt,
                    .retry(executionID: execution.record.executionID, scheduledEventID: work.scheduledEventID)
                )
            ]
        case .stop(let state): fail(work, of: execution, failure, state)
        }
        wake()
    }

    private func fail(_ work: ActivityWork, of execution: Execution, _ cause: FailureInfo, _ state: RetryState) {
        logger.warning(
            "\(work.scheduled.activityType) is given up after \(work.attempt) \(work.attempt == 1 ? "attempt" : "attempts"): \(cause.logText)",
            metadata: ids(of: execution.record)
        )
        let started = closing(work, of: execution)
        let failure = FailureInfo(
            kind: .activity(
                activityType: work.scheduled.activityType,
                activityID: work.scheduled.activityID,
                retryState: state
            ),
            type: "ActivityFailure",
            message:
                "activity \(work.scheduled.activityType) failed after \(work.attempt) \(work.attempt == 1 ? "attempt" : "attempts")",
            cause: cause
        )
        let eventID = work.scheduledEventID
        if case .timeout = cause.kind {
            deliver(
                .activityTaskTimedOut(
                    scheduledEventID: eventID,
                    startedEventID: started,
                    failure: failure,
                    retryState: state
                ),
                to: execution
            )
        } else {
            deliver(
                .activityTaskFailed(
                    scheduledEventID: eventID,
                    startedEventID: started,
                    failure: failure,
                    retryState: state
                ),
                to: execution
            )
        }
    }

    /// Writes ActivityTaskStarted, as late as it is known which attempt was the last, and forgets the activity.
    private func closing(_ work: ActivityWork, of execution: Execution) -> Int {
        clearDeadlines(of: work)
        if let deadline = work.scheduleToClose { deadlines.remove(deadline) }
        execution.activities[work.scheduledEventID] = nil
        let event = append(
            .activityTaskStarted(
                scheduledEventID: work.scheduledEventID,
                attempt: work.attempt,
                lastFailure: work.lastFailure
            ),
            to: execution
        )
        // The code has no use for it, but a turn's events have to be all that came since the last.
        execution.pending.append(event)
        return event.id
    }

    func retryIsDue(_ id: String, _ eventID: Int) {
        guard case .running = phase, let execution = executions[id], let work = execution.activities[eventID] else {
            return
        }
        enqueue(work, of: execution)
    }

    func timeOut(_ id: String, _ eventID: Int, _ token: Int, _ kind: TimeoutKind) {
        guard let execution = executions[id], let work = execution.activities[eventID],
            token == -1 || work.token == token
        else {
            return
        }
        let limits = work.scheduled.options
        let limit: Duration? =
            switch kind {
            case .startToClose: limits.startToClose
            case .scheduleToStart: limits.scheduleToStart
            case .scheduleToClose: limits.scheduleToClose
            case .heartbeat: limits.heartbeatTimeout
            }
        if case .running(let task) = work.stage {
            task.cancel()
            leave(work)
            // Its answer, should one come, is late.
            work.token += 1
        }
        let failure = TimeoutFailure(
            kind,
            message: "\(kind.rawValue) limit of \(limit.map { "\($0)" } ?? "none") passed",
            lastFailure: work.lastFailure
        )
        attemptFailed(work, of: execution, failure.failureInfo)
        startActivities()
    }

    /// The workflow no longer wants the activity.
    func cancelActivity(_ eventID: Int, of execution: Execution) {
        guard let work = execution.activities[eventID], work.cancelReason == nil else { return }
        let reason = "The workflow asked for it."
        work.cancelReason = reason
        if case .running(let task) = work.stage {
            effects.append { task.cancel() }
            return
        }
        let started = closing(work, of: execution)
        deliver(
            .activityTaskCanceled(scheduledEventID: eventID, startedEventID: started, reason: reason),
            to: execution
        )
    }

    /// The execution is gone; nobody waits for the activity.
    func abandon(_ work: ActivityWork) {
        clearDeadlines(of: work)
        if let deadline = work.scheduleToClose { deadlines.remove(deadline) }
        if case .running(let task) = work.stage {
            leave(work)
            task.cancel()
        }
    }
}
