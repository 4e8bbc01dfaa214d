#if Temporal
import Foundation
import Workflows

/// Failures both ways, with their causes.
struct FailureMapping: Sendable {
    /// What an application failure's details say when a worker, which knows the whole retry policy, has decided not to try again.
    private struct Verdict: Codable {
        var retryState: RetryState
        /// Whether the error itself forbade it.
        var nonRetryable: Bool
    }

    let payloads: PayloadMapping

    // MARK: To Temporal

    func wire(_ info: FailureInfo) -> WireFailure {
        var wire = WireFailure()
        wire.message = info.message
        wire.source = "Swift"
        switch info.kind {
        case .application(let nonRetryable):
            wire.application.type = info.type
            wire.application.nonRetryable = nonRetryable
        case .activity(let type, let id, let state):
            wire.activity.activityType.name = type
            wire.activity.activityID = id
            wire.activity.retryState = WireRetryState(state)
        case .childWorkflow(let type, let workflowID, let executionID):
            wire.childWorkflow.workflowType.name = type
            wire.childWorkflow.workflowExecution.workflowID = workflowID
            wire.childWorkflow.workflowExecution.runID = executionID.map(ExecutionID.runID) ?? ""
        case .timeout(let kind): wire.timeout.timeoutType = WireTimeoutType(kind)
        case .canceled: wire.canceled = WireFailure.Canceled()
        case .terminated: wire.terminated = WireFailure.Terminated()
        }
        if let cause = info.cause { wire.cause = self.wire(cause) }
        return wire
    }

    /// An attempt's failure after which the server shall try again.
    func wire(_ info: FailureInfo, retryAfter delay: Duration) -> WireFailure {
        var wire = applicationFailure(info)
        wire.application.nonRetryable = false
        wire.application.nextRetryDelay = .init(duration: delay)
        return wire
    }

    /// An attempt's failure after which the server shall not try again.
    func wire(_ info: FailureInfo, givenUp state: RetryState) throws -> WireFailure {
        var wire = applicationFailure(info)
        let verdict = Verdict(retryState: state, nonRetryable: wire.application.nonRetryable)
        wire.application.nonRetryable = true
        wire.application.details = try payloads.wires(Payload(encoding: verdict))
        return wire
    }

    /// The server takes delays and verdicts of application failures only; another kind of failure becomes the cause of one.
    private func applicationFailure(_ info: FailureInfo) -> WireFailure {
        let wire = wire(info)
        if case .application = wire.info { return wire }
        var outer = WireFailure()
        outer.message = info.message
        outer.source = wire.source
        outer.application.type = Self.wrapperType
        outer.cause = wire
        return outer
    }

    private static let wrapperType = "backfill.AttemptFailure"

    // MARK: From Temporal

    func info(_ wire: WireFailure) -> FailureInfo {
        let cause = wire.hasCause ? info(wire.cause) : nil
        switch wire.info {
        case .application(let application):
            if application.type == Self.wrapperType, let cause { return cause }
            let verdict = verdict(application)
            return FailureInfo(
                kind: .application(nonRetryable: verdict?.nonRetryable ?? application.nonRetryable),
                type: application.type,
                message: wire.message,
                cause: cause
            )
        case .activity(let activity):
            return FailureInfo(
                kind: .activity(
                    activityType: activity.activityType.name,
                    activityID: activity.activityID,
                    retryState: RetryState(activity.retryState)
                ),
                type: "ActivityFailure",
                message: wire.message,
                cause: cause
            )
        case .childWorkflow(let child):
            let runID = child.workflowExecution.runID
            return FailureInfo(
                kind: .childWorkflow(
                    workflowType: child.workflowType.name,
                    workflowID: child.workflowExecution.workflowID,
                    executionID: runID.isEmpty ? nil : ExecutionID.of(runID: runID)
                ),
                type: "ChildWorkflowFailure",
                message: wire.message,
                cause: cause
            )
        case .timeout(let timeout):
            return FailureInfo(
                kind: .timeout(TimeoutKind(timeout.timeoutType)),
                type: "TimeoutFailure",
                message: wire.message,
                cause: cause
            )
        case .canceled:
            return FailureInfo(kind: .canceled, type: "CanceledFailure", message: wire.message, cause: cause)
        case .terminated:
            return FailureInfo(kind: .terminated, type: "TerminatedFailure", message: wire.message, cause: cause)
        case .server(let server):
            return FailureInfo(
                kind: .application(nonRetryable: server.nonRetryable),
                type: "ServerFailure",
                message: wire.message,
                cause: cause
            )
        case nil:
            return FailureInfo(
                kind: .application(nonRetryable: false),
                type: "UnknownFailure",
                message: wire.message,
                cause: cause
            )
        }
    }

    /// Why an activity was not tried again: what its worker decided, or else what the server did.
    func retryState(_ wire: WireFailure, otherwise state: WireRetryState) -> RetryState {
        guard case .application(let application) = wire.info, let verdict = verdict(application) else {
            return RetryState(state)
        }
        return verdict.retryState
    }

    private func verdict(_ application: WireFailure.Application) -> Verdict? {
        guard let details = application.details.payloads.first, let payload = try? payloads.payload(details) else {
            return nil
        }
        return try? payload.decode(as: Verdict.self)
    }
}

extension WireRetryState {
    init(_ state: RetryState) {
        self =
            switch state {
            case .nonRetryableFailure: .nonRetryableFailure
            case .maximumAttemptsReached: .maximumAttemptsReached
            case .timeout: .timeout
            case .cancelRequested: .cancelRequested
            }
    }
}

extension RetryState {
    init(_ state: WireRetryState) {
        self =
            switch state {
            case .maximumAttemptsReached: .maximumAttemptsReached
            case .timeout: .timeout
            case .cancelRequested: .cancelRequested
            default: .nonRetryableFailure
            }
    }
}

extension WireTimeoutType {
    init(_ kind: TimeoutKind) {
        self =
            switch kind {
            case .startToClose: .startToClose
            case .scheduleToStart: .scheduleToStart
            case .scheduleToClose: .scheduleToClose
            case .heartbeat: .heartbeat
            }
    }
}

extension TimeoutKind {
    init(_ type: WireTimeoutType) {
        self =
            switch type {
            case .scheduleToStart: .scheduleToStart
            case .scheduleToClose: .scheduleToClose
            case .heartbeat: .heartbeat
            default: .startToClose
            }
    }
}
#endif
