#if Temporal
import Foundation
import GRPCCore
import Logging
import Synchronization
import Workflows

/// One attempt of an activity on this worker: its code, and beside it the word to the server that the worker lives.
final class RunningAttempt: Sendable {
    /// Why an attempt's code is cancelled.
    private enum Ending: Sendable {
        /// The workflow asked for it.
        case cancelled
        /// A time limit passed.
        case timedOut(TimeoutKind, Duration)
        /// The server no longer waits for the attempt.
        case forgotten
        /// The worker shuts down.
        case shutDown
    }

    private struct State {
        var details: Payload?
        var lastHeartbeat: ContinuousClock.Instant
        var work: Task<Payload, any Error>?
        var ending: Ending?
        var isShuttingDown = false
    }

    private let task: WireActivityTask
    private let parts: WorkerParts
    private let definition: ActivityDefinition?
    private let idleness = ActivityIdleness()
    private let state: Mutex<State>
    private var failures: FailureMapping { FailureMapping(payloads: parts.payloads) }

    init(_ task: WireActivityTask, _ parts: WorkerParts, definition: ActivityDefinition?) {
        self.task = task
        self.parts = parts
        self.definition = definition
        state = Mutex(State(lastHeartbeat: .now))
    }

    func run() async {
        let header: ActivityHeader
        let work: Task<Payload, any Error>
        do {
            guard
                let read = try parts.payloads.value(
                    ActivityHeader.self,
                    named: HeaderName.header,
                    in: task.header
                )
            else {
                throw TemporalError("The activity's header is missing; a program of another kind scheduled it.")
            }
            header = read
            work = try start(header)
        } catch {
            await hand(.failure(error), nil)
            return
        }
        let alive = Task.detached { await self.sayAlive(header.options) }
        let result = await work.result
        alive.cancel()
        await hand(result, header.options)
    }

    /// Cancels the code of an attempt that is not waited for when the worker shuts down; `now`, of any.
    func shutDown(now: Bool) {
        state.withLock { $0.isShuttingDown = true }
        guard idleness.shutDown() || now || definition?.isCutShortByShutdown == true else { return }
        end(.shutDown)
    }

    private func start(_ header: ActivityHeader) throws -> Task<Payload, any Error> {
        guard let definition else {
            throw ApplicationFailure(
                type: "UnknownActivityType",
                message: "The activity \(task.activityType.name) is not registered with this worker."
            )
        }
        let info = ActivityInfo(
            workflowID: task.workflowExecution.workflowID,
            executionID: ExecutionID.of(runID: task.workflowExecution.runID),
            firstExecutionID: header.firstExecutionID,
            activityID: task.activityID,
            activityType: task.activityType.name,
            attempt: Int(task.attempt),
            scheduledAt: task.scheduledTime.wholeMilliseconds,
            startedAt: task.startedTime.wholeMilliseconds
        )
        let details = try task.heartbeatDetails.payloads.first.map { try parts.payloads.payload($0) }
        let input = try parts.payloads.payload(task.input)
        state.withLock { $0.details = details }
        let context = ActivityContext(info: info, lastDetails: details, idleness: idleness) { [weak self] payload in
            try self?.heartbeat(payload)
        }
        let work = Task.detached { try await definition.run(input, context) }
        let ending = state.withLock { state in
            state.work = work
            return state.ending
        }
        if ending != nil { work.cancel() }
        return work
    }

    private func heartbeat(_ details: Payload) throws {
        guard details.bytes.count <= LimitFailure.standardPayloadLimit else {
            throw ApplicationFailure(
                type: "PayloadTooLarge",
                message: LimitFailure.payload(
                    "The details of a heartbeat",
                    byteCount: details.bytes.count,
                    limit: LimitFailure.standardPayloadLimit
                ).message,
                nonRetryable: true
            )
        }
        state.withLock { state in
            state.lastHeartbeat = .now
            if !details.bytes.isEmpty { state.details = details }
        }
    }

    private func end(_ ending: Ending) {
        let work = state.withLock { state in
            if state.ending == nil { state.ending = ending }
            return state.work
        }
        work?.cancel()
    }

    // MARK: Beside the code

    /// Tells the server that the worker lives and how far the attempt is, and ends the code when a time limit passes or nobody waits any more.
    private func sayAlive(_ options: ActivityOptions) async {
        let began = ContinuousClock.now
        var heard = began
        let limit = min(parts.options.workerTimeout, options.heartbeatTimeout ?? parts.options.workerTimeout)
        // Three words may be lost before the worker is taken for dead.
        let interval = limit / 4
        while !Task.isCancelled {
            guard (try? await Task.sleep(for: interval)) != nil else { return }
            let (details, last) = state.withLock { ($0.details, $0.lastHeartbeat) }
            if let silence = options.heartbeatTimeout, .now - last > silence {
                end(.timedOut(.heartbeat, silence))
            } else if .now - began > options.startToClose {
                end(.timedOut(.startToClose, options.startToClose))
            }
            var request = WireHeartbeatRequest()
            request.namespace = parts.namespace
            request.identity = parts.identity
            request.taskToken = task.taskToken
            if let details, let wires = try? parts.payloads.wires(details) { request.details = wires }
            do {
                let response = try await parts.connection.call(.heartbeat, request, patience: interval)
                heard = .now
                if response.cancelRequested { end(.cancelled) }
            } catch let error as RPCError where error.code == .notFound {
                end(.forgotten)
            } catch {
                parts.logger.debug("a heartbeat did not arrive: \(error)", metadata: metadata)
                // Another worker may have begun with the same.
                if .now - heard > limit { end(.forgotten) }
            }
        }
    }

    // MARK: The end

    private func hand(_ result: Result<Payload, any Error>, _ options: ActivityOptions?) async {
        // Code that would begin to wait while the worker shuts down is cancelled there, and not from here.
        let (ending, details) = state.withLock { ($0.ending ?? ($0.isShuttingDown ? .shutDown : nil), $0.details) }
        do {
            switch result {
            case .success(let payload): try await complete(payload, options)
            case .failure(let error): try await fail(error, ending, details, options)
            }
        } catch let error as RPCError where error.code == .notFound {
            parts.logger.debug("the server no longer waits for the attempt", metadata: metadata)
        } catch {
            // The server takes the worker for dead, and has the attempt made again.
            parts.logger.warning("an attempt's end could not be handed in: \(error)", metadata: metadata)
        }
    }

    private func complete(_ payload: Payload, _ options: ActivityOptions?) async throws {
        let limit = LimitFailure.standardPayloadLimit
        guard payload.bytes.count <= limit else {
            let failure = LimitFailure.payload(
                "The result of \(task.activityType.name)",
                byteCount: payload.bytes.count,
                limit: limit
            )
            try await giveUp(failure, .nonRetryableFailure, nil)
            return
        }
        var request = WireCompleteActivityRequest()
        request.namespace = parts.namespace
        request.identity = parts.identity
        request.taskToken = task.taskToken
        request.result = try parts.payloads.wires(payload)
        _ = try await parts.connection.call(.completeActivity, request)
    }

    private func fail(
        _ error: any Error,
        _ ending: Ending?,
        _ details: Payload?,
        _ options: ActivityOptions?
    ) async throws {
        let isCancellation = error is CancellationError || FailureInfo(describing: error).isCancellation
        var info = FailureInfo(describing: error)
        switch ending {
        case .forgotten: return
        case .cancelled where isCancellation:
            var request = WireCancelActivityRequest()
            request.namespace = parts.namespace
            request.identity = parts.identity
            request.taskToken = task.taskToken
            request.details = try parts.payloads.wires(Payload(encoding: "The workflow asked for it."))
            _ = try await parts.connection.call(.cancelActivity, request)
            return
        case .shutDown where isCancellation:
            info = FailureInfo(
                kind: .application(nonRetryable: false),
                type: "WorkerShutdown",
                message: "The worker \(parts.identity) was shut down."
            )
            try await tryAgain(info, after: .milliseconds(1), details)
            return
        case .timedOut(let kind, let limit) where isCancellation:
            info = TimeoutFailure(kind, message: "\(kind.rawValue) limit of \(limit) passed").failureInfo
        default: break
        }
        let policy = options?.retryPolicy ?? .never
        let chance = policy.jitter > 0 ? Double.random(in: 0...1) : 0
        switch policy.decision(after: info, attempt: Int(task.attempt), chance: chance) {
        case .retry(let delay):
            parts.logger.debug("attempt \(task.attempt) failed: \(info)", metadata: metadata)
            try await tryAgain(info, after: delay, details)
        case .stop(let state):
            parts.logger.warning(
                "\(task.activityType.name) is given up after \(task.attempt) \(task.attempt == 1 ? "attempt" : "attempts"): \(info)",
                metadata: metadata
            )
            try await giveUp(info, state, details)
        }
    }

    private func tryAgain(_ info: FailureInfo, after delay: Duration, _ details: Payload?) async throws {
        try await handIn(failures.wire(info, retryAfter: max(delay, .milliseconds(1))), details)
    }

    private func giveUp(_ info: FailureInfo, _ state: RetryState, _ details: Payload?) async throws {
        try await handIn(failures.wire(info, givenUp: state), details)
    }

    private func handIn(_ failure: WireFailure, _ details: Payload?) async throws {
        var request = WireFailActivityRequest()
        request.namespace = parts.namespace
        request.identity = parts.identity
        request.taskToken = task.taskToken
        request.failure = failure
        if let details { request.lastHeartbeatDetails = try parts.payloads.wires(details) }
        _ = try await parts.connection.call(.failActivity, request)
    }

    private var metadata: Logger.Metadata { parts.metadata(task.workflowExecution) }
}
#endif
