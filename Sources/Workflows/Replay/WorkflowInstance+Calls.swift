import Foundation
import Synchronization

/// What the context asks of its instance.
extension WorkflowInstance {
    func read<Value: Sendable>(_ body: (ReplayMachine) -> Value) -> Value { state.withLock { body($0.machine) } }

    func nextRandom() -> UInt64 { state.withLock { $0.machine.random.next() } }

    /// Refuses calls from outside the workflow's own tasks, and from code that is let go of.
    func checkCall() throws {
        if state.withLock({ $0.isReleased }) { throw InstanceReleased() }
        guard executor.isDrainingHere else { throw fail(.foreignWait) }
    }

    /// Fails the turn, whether or not the code catches the error.
    @discardableResult
    func fail(_ failure: TurnFailure) -> TurnFailure {
        state.withLock { $0.turnFailure = $0.turnFailure ?? failure }
        return failure
    }

    func validate(_ options: ActivityOptions) throws {
        do { try options.validate() } catch { throw fail(TurnFailure(.invalidRequest, error.message)) }
    }

    /// JSON for history; while replaying it is left out, as only the history's counts.
    func encode(_ value: some Encodable, for what: @autoclosure () -> String) throws -> Payload {
        try checkCall()
        if read({ $0.isReplaying }) { return Payload(json: Data()) }
        let payload: Payload
        do { payload = try Payload(encoding: value) } catch {
            throw fail(
                TurnFailure(
                    .invalidRequest,
                    "\(what()) cannot be encoded as JSON.",
                    cause: FailureInfo(describing: error)
                )
            )
        }
        if payload.bytes.count > payloadLimit {
            let failure = LimitFailure.payload(what(), byteCount: payload.bytes.count, limit: payloadLimit)
            state.withLock { $0.limitFailure = $0.limitFailure ?? failure }
            throw failure.error
        }
        return payload
    }

    /// Begins a wait and suspends until it ends. A task that is cancelled already begins nothing.
    func wait(
        until condition: (@Sendable () -> Bool)? = nil,
        _ begin: (inout ReplayMachine) -> WaitID
    ) async throws -> Outcome {
        try checkCall()
        if Task.isCancelled {
            return .failure(
                CanceledFailure(reason: read { $0.cancelReason } ?? "The task was cancelled.").failureInfo
            )
        }
        let id = state.withLock { state in
            let id = begin(&state.machine)
            if let condition { state.conditions.append((id, condition)) }
            if case .childResult(let child) = state.machine.waits[id], let outcome = state.machine.childOutcome(child) {
                state.machine.waits[id] = nil
                state.earlyOutcomes[id] = outcome
            }
            return id
        }
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { park($0, for: id) }
        } onCancel: {
            cancel(id)
        }
        if case .released = outcome { throw InstanceReleased() }
        return outcome
    }

    private func park(_ continuation: CheckedContinuation<Outcome, Never>, for id: WaitID) {
        let outcome: Outcome? = state.withLock { state in
            if let outcome = state.earlyOutcomes.removeValue(forKey: id) { return outcome }
            if state.isReleased { return .released }
            state.continuations[id] = continuation
            return nil
        }
        if let outcome { continuation.resume(returning: outcome) }
    }

    private func cancel(_ id: WaitID) {
        let effect: ReplayMachine.Effect = state.withLock { $0.isReleased ? .nothing : $0.machine.cancel(id) }
        if case .resume(let ids, let outcome) = effect { resume(ids, with: outcome) }
    }

    func startChild(_ initiated: StartChildWorkflowExecutionInitiated) throws -> Int {
        try checkCall()
        if Task.isCancelled { throw CanceledFailure(reason: read { $0.cancelReason } ?? "The task was cancelled.") }
        return state.withLock { $0.machine.startChild(initiated) }
    }

    func cancelChild(_ child: Int) throws {
        try checkCall()
        if case .resume(let ids, let outcome) = state.withLock({ $0.machine.cancelChild(child) }) {
            resume(ids, with: outcome)
        }
    }

    /// The outcome, or its failure thrown.
    func success(of outcome: Outcome) throws -> Outcome {
        if case .failure(let failure) = outcome { throw failure.error }
        return outcome
    }

    func decode<Value: Decodable>(_ outcome: Outcome, as type: Value.Type) throws -> Value {
        guard case .value(let payload) = try success(of: outcome) else { throw unexpected(outcome) }
        do { return try payload.decode(as: type) } catch {
            throw fail(
                TurnFailure(
                    .invalidRequest,
                    "A result in the history does not decode as \(type). Its type must stay compatible while executions are open.",
                    cause: FailureInfo(describing: error)
                )
            )
        }
    }

    func decodeExecutionID(_ outcome: Outcome) throws -> String {
        guard case .childStarted(let executionID) = try success(of: outcome) else { throw unexpected(outcome) }
        return executionID
    }

    private func unexpected(_ outcome: Outcome) -> TurnFailure {
        fail(TurnFailure(.nondeterminism, "The history answers with \(outcome) what asked for something else."))
    }

    // MARK: Signals and queries

    func onSignal(named name: String, _ handler: @escaping @Sendable (Payload) throws -> Void) {
        let waiting = state.withLock { state in
            state.signalHandlers[name] = handler
            defer { state.bufferedSignals.removeAll { $0.name == name } }
            return state.bufferedSignals.filter { $0.name == name }
        }
        for signal in waiting { deliver(signal.name, signal.input) }
    }

    func onQuery(named name: String, _ handler: @escaping @Sendable (Payload) throws -> Payload) {
        state.withLock { $0.queryHandlers[name] = handler }
    }

    func deliver(_ name: String, _ input: Payload) {
        let handler = state.withLock { state in
            if state.signalHandlers[name] == nil { state.bufferedSignals.append((name, input)) }
            return state.signalHandlers[name]
        }
        guard let handler else { return }
        do { try handler(input) } catch {
            state.withLock {
                $0.warnings.append("A signal \(name) was left out, as its value does not decode: \(error)")
            }
        }
    }
}
