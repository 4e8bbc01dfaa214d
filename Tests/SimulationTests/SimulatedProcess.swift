import Foundation
import GRDB
import Logging
import PubSub
import WorkflowEngine
import Workflows

@testable import BackfillKit

/// A process that works on a scenario's run: begins it, or carries it on as `backfill resume` does.
struct SimulatedProcess {
    let scenario: Scenario
    let life: Life
    var subscribers: [String: any Subscriber<RecordMessages>] = [:]
    /// Called around each commit of a sink, after the life's own moments.
    var sinkFaults: @Sendable (_ moment: String) throws -> Void = { _ in }

    /// Lives until the orchestrator has reported, or the life ends; then everything is dropped without draining.
    ///
    /// - Parameter whileOpen: looks at the reported run while the engine is still there.
    /// - Returns: the report; nil when the process died first.
    func live(
        whileOpen: (any WorkflowClient, RunStore, RunID) async throws -> Void = { _, _, _ in }
    ) async throws -> RunOutcome? {
        let state = StateFolder(scenario.state)
        try state.create()
        let (life, sinkFaults) = (life, sinkFaults)
        var store = try RunStore(file: state.storeFile)
        store.database.faults = { try life.pass($0) }
        let histories = try scenario.histories.open()
        let runtime = BackfillRuntime(
            state: state,
            store: store,
            environment: [:],
            subscribers: subscribers,
            logger: Self.silent,
            faults: { moment in
                try life.pass(moment)
                try sinkFaults(moment)
            }
        )
        var engine: EmbeddedEngine?
        let outcome: Result<RunOutcome, any Error>
        do {
            let opened = try await EmbeddedEngine.open(
                store: MortalHistoryStore(base: histories, life: life),
                workflows: BackfillRuntime.workflows,
                activities: runtime.activities,
                options: EngineOptions(requestInterval: nil),
                logger: Self.silent
            )
            engine = opened
            let backfill = Backfill(runtime: runtime, client: opened, adopt: { try await opened.adopt($0) })
            let (runID, reported) = try await carry(backfill, store)
            try await whileOpen(opened, store, runID)
            outcome = .success(reported)
        } catch {
            outcome = .failure(error)
        }
        await engine?.abandon()
        await runtime.close()
        try Histories.abandon(histories)
        try store.database.connection.close()
        if case .failure = outcome, life.diedAt != nil { return nil }
        return try outcome.get()
    }

    private func carry(_ backfill: Backfill, _ store: RunStore) async throws -> (RunID, RunOutcome) {
        guard let run = try await store.runs().first else {
            let spec = try BackfillSpec.load(file: scenario.specFile.path, environment: [:])
            let runID = try await backfill.create(spec)
            try await backfill.start(runID)
            return (runID, try await backfill.outcome(of: runID))
        }
        // Its last process may have died between its last write and the engine's: there is nothing left to carry on then.
        if run.state == .complete { return (run.runID, RunOutcome(state: .complete, error: nil)) }
        let resumption = try await backfill.planResumption(of: run.runID)
        try await backfill.resume(run.runID, resumption)
        return (run.runID, try await backfill.outcome(of: run.runID))
    }

    private static let silent = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
}
