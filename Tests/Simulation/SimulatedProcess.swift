import Foundation
import Logging
import PubSub
import WorkflowEngine
import WorkflowTesting
import Workflows

import BackfillKit

/// A process that works on a world's run: begins it, or carries it on as `backfill resume`, `backfill resume --spec` and
/// `backfill dead-letters redrive` do.
struct SimulatedProcess {
    /// How a life came to its end.
    enum End {
        case reported(RunState, error: String?)
        /// It died, or somebody interrupted it.
        case died
        /// The command failed, because a write did.
        case gaveUp(any Error)
    }

    let world: World
    let fate: Fate
    var subscribers: [String: any Subscriber<RecordMessages>] = [:]
    /// Called around each commit of a sink, after the fate's own moments.
    var sinkFaults: @Sendable (_ moment: String) throws -> Void = { _ in }
    var check: LiveCheck?
    /// What people do to the run meanwhile.
    var person: @Sendable (Backfill, EmbeddedEngine, RunStore) async -> Void = { _, _, _ in }

    /// Lives until the orchestrator has reported, or the life ends; then everything is dropped without draining.
    ///
    /// - Parameter whileOpen: looks at the reported run while the engine is still there.
    func live(
        whileOpen: (any WorkflowClient, RunStore, RunID) async throws -> Void = { _, _, _ in }
    ) async throws -> End {
        let (fate, sinkFaults, check) = (fate, sinkFaults, check)
        let store = RunStore(on: world.store, faults: { try fate.pass($0) }, isAlone: true)
        var subscribers = subscribers
        if let witness = world.witness {
            witness.restart()
            subscribers[Witness.name] = witness
        }
        let runtime = BackfillRuntime(
            state: world.state,
            store: store,
            environment: [:],
            subscribers: subscribers,
            logger: Self.silent,
            faults: { moment in
                try fate.pass(moment)
                try sinkFaults(moment)
            },
            readSpec: { [world] text, file, _, sql in try world.spec(text, file: file, frozenSQL: sql) }
        )
        let histories = try openHistories()
        var engine: EmbeddedEngine?
        let end: End
        do {
            let opened = try await EmbeddedEngine.open(
                store: MortalHistoryStore(base: histories, fate: fate, look: { check?.look(at: $0) }),
                workflows: BackfillRuntime.workflows,
                activities: runtime.activities.map { activity in
                    activity.watched { info in
                        let isKnown = try? await histories.hasScheduled(info)
                        if isKnown == false { check?.note("\(info.activityType) began and no history knows of it") }
                    }
                },
                options: EngineOptions(requestInterval: nil),
                logger: Self.silent
            )
            engine = opened
            let backfill = Backfill(runtime: runtime, client: opened, adopt: { try await opened.adopt($0) })
            let (person, life) = (person, store)
            let meddling = Task { await person(backfill, opened, life) }
            defer { meddling.cancel() }
            let (runID, reported) = try await carry(backfill, store)
            try await whileOpen(opened, store, runID)
            end = .reported(reported.state, error: reported.error)
        } catch let error as WorkflowClientError where error.code == .engineStopped {
            end = .died
        } catch {
            end = .gaveUp(error)
        }
        await engine?.abandon()
        await runtime.close()
        try await abandon(histories)
        return fate.diedAt == nil ? end : .died
    }

    private func openHistories() throws -> any HistoryStore {
        switch world.histories {
        case .file(let file): try SQLiteHistoryStore(file: file)
        case .memory(let store): store
        }
    }

    private func abandon(_ histories: any HistoryStore) async throws {
        switch histories {
        case let store as SQLiteHistoryStore:
            // It waits for reads that are under way and would hold up the machine, so those that are slow come first.
            try? await Task.sleep(for: .seconds(600))
            try store.abandon()
        case let store as MemoryHistoryStore: store.recover()
        default: throw EngineFailure("\(type(of: histories)) cannot be abandoned.")
        }
    }

    private typealias Reported = (state: RunState, error: String?)

    private func reported(_ backfill: Backfill, _ runID: RunID) async throws -> Reported {
        let outcome = try await backfill.outcome(of: runID)
        return (outcome.state, outcome.error)
    }

    /// What a person would type, as the run stands.
    private func carry(_ backfill: Backfill, _ store: RunStore) async throws -> (RunID, Reported) {
        guard let run = try await store.runs().first else {
            let runID = try await backfill.create(try world.spec())
            try await backfill.start(runID)
            return (runID, try await reported(backfill, runID))
        }
        let runID = run.runID
        switch run.state {
        case .cancelled: return (runID, (.cancelled, nil))
        case .complete: return (runID, try await redrive(backfill, store, runID))
        case .running, .incomplete: break
        }
        var resumption = try await backfill.planResumption(of: runID)
        if world.scenario.mending == .amendment, try await isStopped(run, store) {
            if resumption == .takeOver {
                // A pass that was cut off is brought to its end first.
                let stop = ControlCommand(.stop("its spec is taken anew"), Person.request)
                _ = try await backfill.command(stop, to: runID)
                try await backfill.resume(runID, resumption)
                _ = try await backfill.outcome(of: runID)
            }
            _ = try await backfill.amend(runID, with: try world.spec(isAmended: true), by: "somebody")
            world.amendments += 1
            resumption = .restart(only: nil)
        }
        try await backfill.resume(runID, resumption)
        return (runID, try await reported(backfill, runID))
    }

    /// Whether the run has met a record that it does not tolerate, or was begun with mended SQL before.
    private func isStopped(_ run: StoredRun, _ store: RunStore) async throws -> Bool {
        if run.state == .incomplete { return true }
        let control = try await store.control(of: run.runID)
        return control.stopped != nil
    }

    /// Publishes what was refused again, once the target takes it.
    private func redrive(_ backfill: Backfill, _ store: RunStore, _ runID: RunID) async throws -> Reported {
        let complete = (RunState.complete, String?.none)
        guard world.scenario.mending == .redrive, try await !store.deadLetters(of: runID).isEmpty else {
            return complete
        }
        do {
            _ = try await backfill.requireIdle(runID)
        } catch is RunRefused {
            // Its last process died with a word left to say: a person is told to resume it first.
            try await backfill.resume(runID, try await backfill.planResumption(of: runID))
            _ = try await backfill.outcome(of: runID)
        }
        _ = try await backfill.redrive(DeadLetterFilter(), of: runID)
        world.redrives += 1
        return try await reported(backfill, runID)
    }

    static let silent = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
}
