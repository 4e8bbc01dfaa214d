public import Foundation
public import Workflows

/// Looks at the histories that another process's engine writes, and leaves requests for it, which it sees within a second.
public struct EngineReader: WorkflowClient {
    private let store: any HistoryStore
    private let workflows: [String: WorkflowDefinition]

    /// - Parameter workflows: those that queries are to be asked of.
    public init(store: any HistoryStore, workflows: [any Workflow.Type] = []) {
        func definition<W: Workflow>(_ type: W.Type) -> WorkflowDefinition { WorkflowDefinition(type) }
        self.store = store
        self.workflows = Dictionary(
            workflows.map { definition($0) }.map { ($0.workflowType, $0) },
            uniquingKeysWith: { _, last in last }
        )
    }

    /// Opens a SQLite file of histories for reading.
    ///
    /// - Throws: ``EngineFailure`` when it is not there or comes from a newer version.
    public static func open(file: URL, workflows: [any Workflow.Type] = []) throws -> EngineReader {
        EngineReader(store: try SQLiteHistoryStore(reading: file), workflows: workflows)
    }

    /// See ``WorkflowClient/start(_:id:_:options:)``.
    public func start<W: Workflow>(_ type: W.Type, id: String, _ input: W.Input, options: WorkflowOptions) async throws
        -> String
    {
        throw WorkflowClientError(.readOnly, "This client only reads: start workflows where an engine is open.")
    }

    /// See ``WorkflowClient/result(of:id:)``.
    public func result<W: Workflow>(of type: W.Type, id: String) async throws -> W.Output {
        throw WorkflowClientError(.readOnly, "This client only reads: wait for results where an engine is open.")
    }

    /// See ``WorkflowClient/signal(_:_:_:)``.
    public func signal<Value>(_ workflowID: String, _ signal: SignalName<Value>, _ value: Value) async throws {
        try await store.appendForOpenExecution(
            .signal(workflowID: workflowID, name: signal.name, input: try Payload(encoding: value))
        )
    }

    /// See ``WorkflowClient/cancel(_:reason:)``.
    public func cancel(_ workflowID: String, reason: String) async throws {
        try await store.appendForOpenExecution(.cancel(workflowID: workflowID, reason: reason))
    }

    /// See ``WorkflowClient/terminate(_:reason:)``.
    public func terminate(_ workflowID: String, reason: String) async throws {
        try await store.appendForOpenExecution(.terminate(workflowID: workflowID, reason: reason))
    }

    /// See ``WorkflowClient/query(_:_:_:)``.
    public func query<Parameter, Answer>(
        _ workflowID: String,
        _ query: QueryName<Parameter, Answer>,
        _ parameter: Parameter
    ) async throws -> Answer {
        try await store.answerByReplay(workflowID, query.name, try Payload(encoding: parameter), workflows: workflows)
            .decode(as: Answer.self)
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
