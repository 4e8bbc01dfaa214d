import Foundation
import Logging
import Synchronization
import TemporalEngine
import WorkflowEngine
import WorkflowTesting
import Workflows

/// What a conformance test runs on: the embedded engine over each of its stores, and a Temporal server when there is one
/// (`BACKFILL_TEST_TEMPORAL` names it; only with the package's trait Temporal).
enum EngineKind: String, CaseIterable, Sendable {
    case memory, sqlite, temporal

    /// Those that can be tested here.
    static var allCases: [EngineKind] { temporalAddress == nil ? [.memory, .sqlite] : [.memory, .sqlite, .temporal] }

    static var temporalAddress: String? {
        #if Temporal
        ProcessInfo.processInfo.environment["BACKFILL_TEST_TEMPORAL"]
        #else
        nil
        #endif
    }

    /// Whether time that nobody works in can be skipped.
    var canSkipTime: Bool { self != .temporal }
    /// Whether each failed attempt is kept, or only an activity's last one.
    var keepsAttempts: Bool { self != .temporal }

    /// Opens an engine for `body`, and shuts it down behind it.
    func withEngine<Result>(
        activities: [any Activity] = [Increment(), Flaky(), Beating()],
        workflows: [any Workflow.Type] = allWorkflows,
        skipsTime: Bool = true,
        _ body: (TestedEngine) async throws -> Result
    ) async throws -> Result {
        let engine = try await open(activities, workflows, skipsTime)
        do {
            let result = try await body(engine)
            await engine.stop()
            return result
        } catch {
            await engine.stop()
            throw error
        }
    }

    private func open(_ activities: [any Activity], _ workflows: [any Workflow.Type], _ skipsTime: Bool) async throws
        -> TestedEngine
    {
        switch self {
        case .memory: try await embedded(MemoryHistoryStore(), activities, workflows, skipsTime)
        case .sqlite:
            try await embedded(try SQLiteHistoryStore(file: temporaryFile()), activities, workflows, skipsTime)
        case .temporal: try await cluster(activities, workflows)
        }
    }

    private func embedded(
        _ store: any HistoryStore,
        _ activities: [any Activity],
        _ workflows: [any Workflow.Type],
        _ skipsTime: Bool
    ) async throws -> TestedEngine {
        let engine = try await openEngine(
            store,
            activities: activities,
            workflows: workflows,
            skipsTime: skipsTime
        )
        return TestedEngine(client: engine, prefix: "") { await engine.shutdown(drain: .seconds(1)) }
    }

    private func cluster(_ activities: [any Activity], _ workflows: [any Workflow.Type]) async throws -> TestedEngine {
        #if Temporal
        let name = "test-\(UUID().uuidString)"
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let client = try await TemporalClient.connect(
            to: try TemporalAddress(Self.temporalAddress ?? ""),
            options: TemporalOptions(taskQueue: name),
            logger: logger
        )
        let worker = TemporalWorker(
            client,
            workflows: workflows,
            activities: activities,
            options: WorkerOptions(pollers: 2),
            logger: logger
        )
        worker.start()
        return TestedEngine(client: client, prefix: name + "/") {
            await worker.shutdown(drain: .seconds(1))
            await client.close()
        }
        #else
        throw CancellationError()
        #endif
    }
}

/// An engine whose workflow ids no other test uses.
struct TestedEngine: WorkflowClient {
    let client: any WorkflowClient
    let prefix: String
    let stop: @Sendable () async -> Void

    func start<W: Workflow>(_ type: W.Type, id: String, _ input: W.Input, options: WorkflowOptions) async throws
        -> String
    {
        try await client.start(type, id: prefix + id, input, options: options)
    }
    func result<W: Workflow>(of type: W.Type, id: String) async throws -> W.Output {
        try await client.result(of: type, id: prefix + id)
    }
    func signal<Value>(_ workflowID: String, _ signal: SignalName<Value>, _ value: Value) async throws {
        try await client.signal(prefix + workflowID, signal, value)
    }
    func query<Parameter, Answer>(
        _ workflowID: String,
        _ query: QueryName<Parameter, Answer>,
        _ parameter: Parameter
    ) async throws -> Answer {
        try await client.query(prefix + workflowID, query, parameter)
    }
    func cancel(_ workflowID: String, reason: String) async throws {
        try await client.cancel(prefix + workflowID, reason: reason)
    }
    func terminate(_ workflowID: String, reason: String) async throws {
        try await client.terminate(prefix + workflowID, reason: reason)
    }
    func describe(_ workflowID: String) async throws -> ExecutionDescription? {
        try await client.describe(prefix + workflowID)
    }
    func executions(_ filter: ExecutionFilter) async throws -> [ExecutionDescription] {
        var filter = filter
        filter.workflowIDPrefix = prefix + (filter.workflowIDPrefix ?? "")
        filter.parentWorkflowID = filter.parentWorkflowID.map { prefix + $0 }
        return try await client.executions(filter)
    }
    func chain(of workflowID: String) async throws -> [ExecutionDescription] {
        try await client.chain(of: prefix + workflowID)
    }
    func history(of executionID: String) async throws -> [HistoryEvent] {
        try await client.history(of: executionID)
    }
    func attempts(of executionID: String) async throws -> [ActivityAttempt] {
        try await client.attempts(of: executionID)
    }
}
