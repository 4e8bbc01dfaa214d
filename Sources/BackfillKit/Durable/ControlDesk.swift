import Synchronization
import Workflows

/// The part of an orchestrator that carries out commands while the rest of it works.
final class ControlDesk: Sendable {
    let inbox = ControlInbox()
    /// What the query `progress` is answered from.
    let latest: Latest<OrchestratorSnapshot>
    private let runID: RunID
    private let context: WorkflowContext
    private let window = Mutex<ExecutorWindow?>(nil)
    private let last = Mutex<ApplyControl.Output?>(nil)

    init(_ input: OrchestratorInput, context: WorkflowContext) {
        runID = input.runID
        let stage: OrchestratorSnapshot.Stage = input.outcome == nil ? .preparing : .finishing
        latest = Latest(OrchestratorSnapshot(run: input.runID, pass: input.pass, stage: stage))
        self.context = context
    }

    /// Whose limits commands change.
    func commands(_ window: ExecutorWindow) {
        self.window.withLock { $0 = window }
        // A command may have been carried out while the limits were being read.
        if let last = last.withLock({ $0 }) { Self.apply(last, to: window) }
    }

    private static func apply(_ effect: ApplyControl.Output, to window: ExecutorWindow) {
        window.change(executors: effect.executors)
        if effect.isEnding { window.stop() }
    }

    /// Carries out command after command until its task is cancelled.
    func obey() async throws {
        while true {
            let inbox = inbox
            try await context.waitUntil { inbox.hasCommand }
            guard let command = inbox.take() else { continue }
            defer { inbox.finish() }
            let effect: ApplyControl.Output
            do {
                effect = try await context.execute(
                    ApplyControl.self,
                    ApplyControl.Input(runID: runID, command: command),
                    options: .bookkeeping
                )
            } catch let failure as any WorkflowFailure where !failure.failureInfo.isCancellation {
                // The history says why it was not carried out; the run is not to end for it.
                continue
            }
            last.withLock { $0 = effect }
            latest.take(command.verb)
            if let window = window.withLock({ $0 }) { Self.apply(effect, to: window) }
        }
    }

    /// Waits until every command that came is carried out: what is under way does not cross to the next execution.
    func finish() async throws {
        let inbox = inbox
        try await context.waitUntil { inbox.isDone }
    }

    /// How far the run is.
    var snapshot: OrchestratorSnapshot {
        var snapshot = latest.value
        if let window = window.withLock({ $0 }) {
            snapshot.executors = window.executorLimit
            (snapshot.stopping, snapshot.handingOver) = (window.isStopping, window.isHandingOver)
        }
        return snapshot
    }

    func handover(_ input: OrchestratorInput) async throws -> ContinueAsNew<OrchestratorInput> {
        try await finish()
        return ContinueAsNew(input)
    }
}

extension WorkflowContext {
    /// Runs a step that may take hours, and cancels it when the run is being stopped.
    ///
    /// - Returns: nil when it was cancelled so.
    func unlessStopped<Result: Sendable>(
        _ window: ExecutorWindow,
        _ step: @escaping @Sendable (WorkflowContext) async throws -> Result
    ) async throws -> Result? {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await step(self) }
            group.addTask {
                try await self.waitUntil { window.isStopping }
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }
}
