package import Foundation
import Synchronization

/// A workflow's code at the place where its history has led it: the shell around ``ReplayMachine`` that holds tasks.
///
/// Turns and queries are taken one at a time, on the calling thread, without blocking for anything but each other.
package final class WorkflowInstance: Sendable {
    struct State {
        var machine = ReplayMachine()
        var continuations: [WaitID: CheckedContinuation<Outcome, Never>] = [:]
        /// Outcomes of waits whose code has not come to rest yet.
        var earlyOutcomes: [WaitID: Outcome] = [:]
        var conditions: [(id: WaitID, holds: @Sendable () -> Bool)] = []
        var signalHandlers: [String: @Sendable (Payload) throws -> Void] = [:]
        var bufferedSignals: [(name: String, input: Payload)] = []
        var queryHandlers: [String: @Sendable (Payload) throws -> Payload] = [:]
        var root: Task<Void, Never>?
        var end: Result<Payload, any Error>?
        var turnFailure: TurnFailure?
        var limitFailure: FailureInfo?
        var warnings: [String] = []
        var isReleased = false
    }

    let state = Mutex(State())
    let executor: TurnExecutor
    let payloadLimit: Int
    private let definition: WorkflowDefinition
    private let turnLock = Mutex(())
    /// Far more jobs than any turn that makes progress: hundreds of children take a few jobs each.
    private static let jobsPerTurn = 1_000_000

    /// An instance that has seen nothing yet. `onForeignWait` is called, from any thread, when its code was woken by something
    /// outside its context.
    package init(
        _ definition: WorkflowDefinition,
        payloadLimit: Int = LimitFailure.standardPayloadLimit,
        onForeignWait: @escaping @Sendable () -> Void = {}
    ) {
        self.definition = definition
        self.payloadLimit = payloadLimit
        executor = TurnExecutor(onForeignJob: onForeignWait)
    }

    /// Takes a new turn: the code learns `events`, runs until it waits, and asks for what it wants.
    package func takeTurn(
        _ events: [HistoryEvent],
        at time: Date,
        completedEventID: Int,
        suggestsContinueAsNew: Bool = false
    ) throws -> [Command] {
        try turnLock.withLock { _ in
            let turn = RecordedTurn(
                events: events,
                completedEventID: completedEventID,
                time: time,
                suggestsContinueAsNew: suggestsContinueAsNew
            )
            try advance(turn, isReplaying: false)
            return state.withLock { $0.machine.endTurn(firstEventID: completedEventID + 1) }
        }
    }

    /// Leads the code through turns that were taken before, and throws ``TurnFailure`` when it does not ask for the same.
    package func replay(_ turns: [RecordedTurn]) throws {
        try turnLock.withLock { _ in
            for turn in turns {
                try advance(turn, isReplaying: true)
                let commands = state.withLock {
                    $0.machine.endTurn(firstEventID: turn.commandEvents.first?.id ?? turn.completedEventID + 1)
                }
                try CommandMatcher.match(commands, with: turn.commandEvents, after: turn.completedEventID)
            }
        }
    }

    /// Asks a handler of the code; nil when there is none.
    package func query(_ name: String, _ parameter: Payload) throws -> Payload? {
        try turnLock.withLock { _ in
            guard let handler = state.withLock({ $0.queryHandlers[name] }) else { return nil }
            return try handler(parameter)
        }
    }

    /// Signals that no handler has taken, in order.
    package var unhandledSignals: [(name: String, input: Payload)] { state.withLock { $0.bufferedSignals } }

    /// What the code was not told, since the last call.
    package func takeWarnings() -> [String] {
        state.withLock { state in
            defer { state.warnings = [] }
            return state.warnings
        }
    }

    /// Lets go of the code: all its waits end, and what it asks for while it unwinds is void.
    package func release() {
        turnLock.withLock { _ in
            let parked = state.withLock { state in
                state.isReleased = true
                state.conditions = []
                defer { state.continuations = [:] }
                return state.continuations.sorted { $0.key < $1.key }.map(\.value)
            }
            executor.release()
            executor.turn {
                state.withLock { $0.root }?.cancel()
                for continuation in parked { continuation.resume(returning: .released) }
                var budget = Self.jobsPerTurn
                _ = executor.drain(budget: &budget)
            }
        }
    }

    // MARK: A turn

    private func advance(_ turn: RecordedTurn, isReplaying: Bool) throws {
        state.withLock {
            $0.machine.beginTurn(
                now: turn.time,
                completedEventID: turn.completedEventID,
                suggestsContinueAsNew: turn.suggestsContinueAsNew,
                isReplaying: isReplaying
            )
        }
        try executor.turn {
            for event in turn.events { act(on: try state.withLock { try $0.machine.apply(event) }) }
            try settle()
        }
        try conclude()
    }

    /// Drains until no job is left and no condition holds.
    private func settle() throws {
        var budget = Self.jobsPerTurn
        repeat {
            guard executor.drain(budget: &budget) else {
                throw TurnFailure(
                    .spin,
                    "The workflow took \(Self.jobsPerTurn) steps in one turn without coming to wait for anything. "
                        + "Look for a loop that awaits nothing of the context's, such as Task.yield()."
                )
            }
        } while resumeFirstCondition()
    }

    private func resumeFirstCondition() -> Bool {
        for condition in state.withLock({ $0.conditions }) where condition.holds() {
            state.withLock { state in
                state.machine.satisfyCondition(condition.id)
                state.conditions.removeAll { $0.id == condition.id }
            }
            resume([condition.id], with: .satisfied)
            return true
        }
        return false
    }

    private func act(on effect: ReplayMachine.Effect) {
        switch effect {
        case .nothing: break
        case .start(let started): start(started)
        case .resume(let ids, let outcome): resume(ids, with: outcome)
        case .signal(let name, let input): deliver(name, input)
        case .cancel: state.withLock { $0.root }?.cancel()
        }
    }

    func resume(_ ids: [WaitID], with outcome: Outcome) {
        for id in ids {
            let continuation = state.withLock { state in
                state.conditions.removeAll { $0.id == id }
                let continuation = state.continuations.removeValue(forKey: id)
                if continuation == nil { state.earlyOutcomes[id] = outcome }
                return continuation
            }
            continuation?.resume(returning: outcome)
        }
    }

    private func start(_ started: WorkflowExecutionStarted) {
        let context = WorkflowContext(info: WorkflowInfo(started), instance: self)
        let run = definition.run
        let root = Task(executorPreference: executor) {
            let end: Result<Payload, any Error>
            do { end = .success(try await run(started.input, context)) } catch { end = .failure(error) }
            self.state.withLock { $0.end = end }
        }
        state.withLock { $0.root = root }
    }

    /// Turns the code's end, if it came to one, into the command that closes the execution.
    private func conclude() throws {
        try state.withLock { state in
            if let failure = state.turnFailure { throw failure }
            if let failure = state.limitFailure {
                state.machine.closeByLimit(failure)
            } else if let end = state.end {
                try close(end, &state)
            } else if state.continuations.isEmpty {
                throw TurnFailure.foreignWait
            }
        }
    }

    private func close(_ end: Result<Payload, any Error>, _ state: inout State) throws {
        switch end {
        case .success(let result):
            if result.bytes.count > payloadLimit {
                state.machine.closeByLimit(
                    LimitFailure.payload("The workflow's result", byteCount: result.bytes.count, limit: payloadLimit)
                )
            } else {
                state.machine.close(with: .completeWorkflowExecution(result: result))
            }
        case .failure(let error): try close(error, &state)
        }
    }

    private func close(_ error: any Error, _ state: inout State) throws {
        let info = FailureInfo(describing: error)
        if let request = error as? any ContinueAsNewRequest {
            try continueAsNew(request, &state)
        } else if state.machine.cancelReason != nil, info.isCancellation {
            state.machine.close(
                with: .cancelWorkflowExecution(
                    CanceledFailure(reason: state.machine.cancelReason ?? info.message).failureInfo
                )
            )
        } else if error is any WorkflowFailure {
            state.machine.close(with: .failWorkflowExecution(info))
        } else {
            throw TurnFailure(
                .unexpectedError,
                "The workflow's code threw an error that is not a WorkflowFailure. Fix the code, or throw an "
                    + "ApplicationFailure if the workflow is meant to fail.",
                cause: info
            )
        }
    }

    private func continueAsNew(_ request: any ContinueAsNewRequest, _ state: inout State) throws {
        let open = state.machine.openChildren
        guard open.isEmpty else {
            throw TurnFailure(
                .invalidRequest,
                "The workflow threw ContinueAsNew with \(open.count) children open (\(open.prefix(3).joined(separator: ", "))"
                    + "\(open.count > 3 ? ", …" : "")), whose results the next execution could not receive. "
                    + "Wait for them first, or start them with the close policy abandon."
            )
        }
        let input = try request.encodedInput()
        if input.bytes.count > payloadLimit {
            state.machine.closeByLimit(
                LimitFailure.payload(
                    "The input that the workflow continues with",
                    byteCount: input.bytes.count,
                    limit: payloadLimit
                )
            )
        } else {
            state.machine.close(with: .continueAsNewWorkflowExecution(input: input))
        }
    }
}

extension TurnFailure {
    package static let foreignWait = TurnFailure(
        .foreignWait,
        "The workflow awaits, or was woken by, something that is not its context's, such as Task.sleep, Task {} or an "
            + "actor's work, so a replay could not repeat it. Await activities, children, timers, signals or conditions of the "
            + "context, and use task groups or async let for what runs side by side."
    )
}
