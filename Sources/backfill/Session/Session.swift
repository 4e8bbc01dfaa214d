import BackfillKit
import Foundation
import Logging
import Workflows

/// A process at work: the state folder opened for writing, the engine, and BackfillKit on top of it.
struct Session: Sendable {
    let state: StateFolder
    let store: RunStore
    let runtime: BackfillRuntime
    let engine: SessionEngine
    let backfill: Backfill

    static func open(_ options: StateOptions, logger: Logger) async throws -> Session {
        let state = StateFolder(options.url)
        let choice = try EngineChoice.of(state, given: options.engine, binding: true)
        try state.create()
        // Held until both stores are open: two processes that make the same new files at once would trip over each other.
        let turn = try state.takeTurn()
        defer { turn.end() }
        let store = try RunStore(file: state.storeFile)
        let runtime = BackfillRuntime(
            state: state,
            store: store,
            environment: ProcessInfo.processInfo.environment,
            logger: logger
        )
        let engine = try await SessionEngine.open(choice, state, runtime, logger: logger)
        let backfill = Backfill(runtime: runtime, client: engine.client, adopt: engine.adopt)
        return Session(state: state, store: store, runtime: runtime, engine: engine, backfill: backfill)
    }

    /// The run store of a state folder, which is made when it is not there.
    static func openStore(_ state: StateFolder) throws -> RunStore {
        try state.create()
        let turn = try state.takeTurn()
        defer { turn.end() }
        return try RunStore(file: state.storeFile)
    }

    /// BackfillKit on a state folder that is only looked at: enough to plan a resumption.
    static func backfillForReading(_ options: StateOptions, store: RunStore, logger: Logger) async throws
        -> Backfill
    {
        let runtime = BackfillRuntime(
            state: StateFolder(options.url),
            store: store,
            environment: ProcessInfo.processInfo.environment,
            logger: logger
        )
        return Backfill(runtime: runtime, client: try await options.openEngineForReading(), adopt: { _ in })
    }

    /// How a run that this process worked on ended.
    enum End: Sendable {
        case reported(RunOutcome)
        case interrupted
    }

    /// As ``carry(_:display:begin:)``, but `begin` may find that there is nothing to do.
    ///
    /// - Parameter isNothing: whether what `begin` threw says so.
    /// - Returns: nil when there was nothing to do.
    func carry(
        _ runID: RunID,
        display: LiveProgress,
        begin: @Sendable @escaping () async throws -> Void,
        unless isNothing: (any Error) -> Bool
    ) async throws -> End? {
        do {
            return try await carry(runID, display: display, begin: begin)
        } catch  where isNothing(error) {
            await runtime.close()
            return nil
        }
    }

    /// Serves the engine while `begin` starts the work and the orchestrator reports, or until a signal comes; then drains.
    func carry(_ runID: RunID, display: LiveProgress, begin: @Sendable @escaping () async throws -> Void) async throws
        -> End
    {
        Output.concerns(runID)
        let end: End = try await withThrowingTaskGroup(of: End?.self) { group in
            group.addTask {
                try await engine.run()
                return nil
            }
            group.addTask {
                do {
                    try await begin()
                    return .reported(try await backfill.outcome(of: runID))
                } catch {
                    // The engine ends only when it is told to; without that nobody would hear of the error.
                    await engine.shutdown(.seconds(10))
                    throw error
                }
            }
            group.addTask {
                await Interruption.wait() ? .interrupted : nil
            }
            group.addTask {
                await display.show(runID, in: self)
                return nil
            }
            defer { group.cancelAll() }
            while let next = try await group.next() {
                guard let end = next else { continue }
                if case .interrupted = end {
                    if !engine.isCluster {
                        Output.note("\nstopping: finishing the batches in flight (Ctrl-C again leaves at once)")
                    }
                }
                await engine.shutdown(.seconds(10))
                return end
            }
            throw CancellationError()
        }
        await runtime.close()
        return end
    }
}
