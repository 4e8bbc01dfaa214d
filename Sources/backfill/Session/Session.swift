import BackfillKit
import Foundation
import Logging
import Workflows

/// A process at work: the state opened for writing, the engine, and BackfillKit on top of it.
struct Session: Sendable {
    let store: RunStore
    let runtime: BackfillRuntime
    let engine: SessionEngine
    let backfill: Backfill

    /// - Parameter spec: what is to be run; refused when the engine cannot, before anything is made.
    static func open(_ options: StateOptions, running spec: BackfillSpec? = nil, logger: Logger) async throws -> Session
    {
        let place = try options.place()
        if let spec { try await EngineChoice.of(place, given: options.engine).requireFitting(spec) }
        let choice = try await EngineChoice.of(place, given: options.engine, binding: true)
        let state = try await OpenState.forWork(options)
        let runtime = BackfillRuntime(
            state: state.folder,
            store: state.store,
            environment: ProcessInfo.processInfo.environment,
            logger: logger
        )
        let engine = try await SessionEngine.open(choice, state.folder, runtime, logger: logger)
        let backfill = Backfill(runtime: runtime, client: engine.client, adopt: engine.adopt)
        return Session(store: state.store, runtime: runtime, engine: engine, backfill: backfill)
    }

    /// BackfillKit without an engine that works: enough to plan a resumption, and to send commands to who works.
    static func backfill(on state: OpenState, _ options: StateOptions, logger: Logger) async throws -> Backfill {
        let runtime = BackfillRuntime(
            state: state.folder,
            store: state.store,
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
