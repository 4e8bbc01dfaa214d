public import Foundation
public import Logging
public import Workflows

/// Runs workflows durably in this process. It works from the moment it is opened.
public final class EmbeddedEngine: WorkflowClient {
    let core: EngineCore
    let store: any HistoryStore
    private let ownerID: String

    private init(core: EngineCore, store: any HistoryStore, ownerID: String) {
        self.core = core
        self.store = store
        self.ownerID = ownerID
    }

    /// Opens an engine on histories in a SQLite file.
    ///
    /// - Throws: ``EngineFailure`` when the file cannot be used.
    public static func open(
        file: URL,
        workflows: [any Workflow.Type],
        activities: [any Activity],
        options: EngineOptions = EngineOptions(),
        logger: Logger
    ) async throws -> EmbeddedEngine {
        try await open(
            store: try SQLiteHistoryStore(file: file),
            workflows: workflows,
            activities: activities,
            options: options,
            logger: logger
        )
    }

    /// Opens an engine on any store.
    ///
    /// - Parameter onIdle: told, from the engine, whenever nothing is left to do but wait for a time to come, and for which.
    public static func open(
        store: any HistoryStore,
        workflows: [any Workflow.Type],
        activities: [any Activity],
        options: EngineOptions = EngineOptions(),
        clock: any EngineClock = SystemClock(),
        logger: Logger,
        onIdle: @escaping @Sendable (_ next: Date?) -> Void = { _ in }
    ) async throws -> EmbeddedEngine {
        let ownerID = SortableID.make(at: clock.now)
        let processID = Int(ProcessInfo.processInfo.processIdentifier)
        try await store.register(owner: ExecutionOwner(id: ownerID, processID: processID, isAlive: true))
        let core = EngineCore(
            store: store,
            clock: clock,
            options: options,
            logger: logger,
            ownerID: ownerID,
            workflows: workflows,
            activities: activities,
            onIdle: onIdle
        )
        await core.pollRequests()
        return EmbeddedEngine(core: core, store: store, ownerID: ownerID)
    }

    /// Waits until the engine was shut down.
    ///
    /// - Throws: ``EngineFailure`` when the store could not go on; what was committed stands.
    public func run() async throws { try await core.waitForStop() }

    /// Stops starting anything, waits for activities in flight at most as long as `drain`, cancels the rest, and stops. What is open is
    /// carried on by whoever adopts it.
    public func shutdown(drain: Duration) async {
        await core.drain(for: drain)
        await store.release(ownerID: ownerID)
    }

    /// Drops everything as the end of a process would: starts, finishes and writes nothing more, and leaves the owner registered. Returns
    /// when no activity is under way any more; the caller gives up the store. For simulations.
    package func abandon() async { await core.abandon() }

    /// Takes over the open execution of a workflow id, and its children, from an owner that is gone.
    ///
    /// - Throws: ``WorkflowClientError``: `.ownedByLiveProcess` when its owner lives, `.notFound`, `.notRunning`.
    public func adopt(_ workflowID: String) async throws { try await core.adopt(workflowID) }

    /// See ``WorkflowClient/start(_:id:_:options:)``.
    public func start<W: Workflow>(
        _ type: W.Type,
        id: String,
        _ input: W.Input,
        options: WorkflowOptions
    ) async throws -> String {
        try await core.start(type: W.workflowType, id: id, input: Payload(encoding: input), options: options)
    }

    /// See ``WorkflowClient/result(of:id:)``.
    public func result<W: Workflow>(of type: W.Type, id: String) async throws -> W.Output {
        try await core.result(of: id).decode(as: W.Output.self)
    }

    /// See ``WorkflowClient/signal(_:_:_:)``.
    public func signal<Value>(_ workflowID: String, _ signal: SignalName<Value>, _ value: Value) async throws {
        try await core.request(.signal(workflowID: workflowID, name: signal.name, input: try Payload(encoding: value)))
    }

    /// See ``WorkflowClient/cancel(_:reason:)``.
    public func cancel(_ workflowID: String, reason: String) async throws {
        try await core.request(.cancel(workflowID: workflowID, reason: reason))
    }

    /// See ``WorkflowClient/terminate(_:reason:)``.
    public func terminate(_ workflowID: String, reason: String) async throws {
        try await core.request(.terminate(workflowID: workflowID, reason: reason))
    }

    /// See ``WorkflowClient/query(_:_:_:)``.
    public func query<Parameter, Answer>(
        _ workflowID: String,
        _ query: QueryName<Parameter, Answer>,
        _ parameter: Parameter
    ) async throws -> Answer {
        try await core.query(workflowID, query.name, try Payload(encoding: parameter)).decode(as: Answer.self)
    }

    /// See ``WorkflowClient/describe(_:)``.
    public func describe(_ workflowID: String) async throws -> ExecutionDescription? {
        try await store.describe(workflowID)
    }
    /// See ``WorkflowClient/executions(_:)``.
    public func executions(_ filter: ExecutionFilter) async throws -> [ExecutionDescription] {
        try await store.descriptions(of: try await store.executions(filter))
    }
    /// See ``WorkflowClient/chain(of:)``.
    public func chain(of workflowID: String) async throws -> [ExecutionDescription] {
        try await store.descriptions(of: try await store.chain(of: workflowID))
    }
    /// See ``WorkflowClient/history(of:)``.
    public func history(of executionID: String) async throws -> [HistoryEvent] {
        try await store.history(of: executionID)
    }
    /// See ``WorkflowClient/attempts(of:)``.
    public func attempts(of executionID: String) async throws -> [ActivityAttempt] {
        try await store.attempts(of: executionID)
    }
}
