import Logging
public import WorkflowEngine
public import Workflows

/// An engine on histories in memory whose clock skips to the next deadline whenever nothing else is left to do: a workflow that sleeps for
/// a month is tested in a moment.
public struct TestEngine: Sendable {
    /// Where the histories are; it outlives an engine that crashed.
    public let store: MemoryHistoryStore
    /// The clock.
    public let clock: ManualClock
    /// The engine.
    public let engine: EmbeddedEngine

    /// Opens an engine.
    ///
    /// - Parameters:
    ///   - store: an earlier engine's store, to go on where it stood.
    ///   - skipsTime: whether the clock moves by itself; otherwise move it by hand.
    public static func open(
        workflows: [any Workflow.Type],
        activities: [any Activity] = [],
        store: MemoryHistoryStore = MemoryHistoryStore(),
        clock: ManualClock = ManualClock(),
        options: EngineOptions = EngineOptions(requestInterval: nil),
        skipsTime: Bool = true
    ) async throws -> TestEngine {
        let engine = try await EmbeddedEngine.open(
            store: store,
            workflows: workflows,
            activities: activities,
            options: options,
            clock: clock,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            onIdle: { next in if skipsTime, let next { clock.move(to: next) } }
        )
        return TestEngine(store: store, clock: clock, engine: engine)
    }

    /// Ends the engine as a crash would: nothing more is written, and its owner is dead.
    public func crash() async {
        await engine.abandon()
        store.recover()
    }
}
