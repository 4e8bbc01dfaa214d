import BackfillKit
import Foundation
import Logging
import WorkflowEngine
import Workflows

#if Temporal
import TemporalEngine
#endif

/// The engine of a process at work.
struct SessionEngine: Sendable {
    /// Starts workflows and looks at them.
    let client: any WorkflowClient
    /// Takes over a workflow whose process is gone.
    let adopt: @Sendable (_ workflowID: String) async throws -> Void
    /// Works until it is shut down; of a cluster, does nothing so long.
    let run: @Sendable () async throws -> Void
    /// Finishes what is under way, for a limited time, and stops.
    let shutdown: @Sendable (_ drain: Duration) async -> Void
    /// Whether the work is done elsewhere, and goes on without this process.
    let isCluster: Bool

    /// Opens the engine that a choice names.
    static func open(_ choice: EngineChoice, _ state: StateFolder, _ runtime: BackfillRuntime, logger: Logger)
        async throws -> SessionEngine
    {
        switch choice {
        case .embedded: return try await embedded(state, runtime, logger)
        case .temporal(let address, let taskQueue):
            let client = try await cluster(address, taskQueue: taskQueue, logger: logger)
            let end = AsyncStream<Void>.makeStream()
            return SessionEngine(
                client: client,
                adopt: { _ in },
                run: { for await _ in end.stream {} },
                // The connection stays: whoever ends says then how far the run is.
                shutdown: { _ in end.continuation.finish() },
                isCluster: true
            )
        }
    }

    private static func embedded(_ state: StateFolder, _ runtime: BackfillRuntime, _ logger: Logger) async throws
        -> SessionEngine
    {
        // Two processes that make the same new file at once would trip over each other.
        let turn = try state.takeTurn()
        defer { turn.end() }
        let engine = try await EmbeddedEngine.open(
            file: state.engineFile,
            workflows: BackfillRuntime.workflows,
            activities: runtime.activities,
            // Executors that wait for a pause or a pace hold a place each, and commands need one too.
            options: EngineOptions(
                maximumConcurrentActivities: 1_000,
                logMetadata: { runtime.logMetadata(ofWorkflow: $0) }
            ),
            logger: logger
        )
        return SessionEngine(
            client: engine,
            adopt: { try await engine.adopt($0) },
            run: { try await engine.run() },
            shutdown: { await engine.shutdown(drain: $0) },
            isCluster: false
        )
    }

    /// A client of a cluster, which stays connected until the process ends.
    static func cluster(_ address: String, taskQueue: String, logger: Logger) async throws -> any WorkflowClient {
        #if Temporal
        return try await TemporalClient.connect(
            to: try TemporalAddress(address),
            options: try .fromEnvironment(taskQueue: taskQueue),
            logger: logger
        )
        #else
        throw EngineRefused.notBuiltIn
        #endif
    }
}
