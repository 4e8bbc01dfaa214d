/// Starts workflows and looks at them. An engine is one; so is a reader in another process.
public protocol WorkflowClient: Sendable {
    /// Starts a workflow and returns its execution id, once both are durable. Throws ``WorkflowClientError`` when an
    /// execution with that workflow id is open or the reuse policy refuses it.
    func start<W: Workflow>(_ type: W.Type, id: String, _ input: W.Input, options: WorkflowOptions) async throws
        -> String

    /// Waits for the end of the chain that is now, or was last, run under the workflow id. Throws the failure that ended it
    /// (``WorkflowFailure``), or ``WorkflowClientError`` when it stalled.
    func result<W: Workflow>(of type: W.Type, id: String) async throws -> W.Output

    /// Appends a signal to the open execution; returns once it is durable.
    func signal<Value>(_ workflowID: String, _ signal: SignalName<Value>, _ value: Value) async throws

    /// Asks the newest execution's state, by replaying its history when it is not live here.
    func query<Parameter, Answer>(
        _ workflowID: String,
        _ query: QueryName<Parameter, Answer>,
        _ parameter: Parameter
    ) async throws -> Answer

    /// Asks the workflow to stop; it may clean up, and decides how it ends.
    func cancel(_ workflowID: String, reason: String) async throws

    /// Ends the workflow without asking it.
    func terminate(_ workflowID: String, reason: String) async throws

    /// The newest execution of the workflow id.
    func describe(_ workflowID: String) async throws -> ExecutionDescription?

    /// Executions that the filter admits, oldest first.
    func executions(_ filter: ExecutionFilter) async throws -> [ExecutionDescription]

    /// All executions of the workflow id, oldest first.
    func chain(of workflowID: String) async throws -> [ExecutionDescription]

    /// The events of one execution, in order.
    func history(of executionID: String) async throws -> [HistoryEvent]

    /// The failed attempts of an execution's activities, oldest first. An attempt that succeeded is in the history.
    func attempts(of executionID: String) async throws -> [ActivityAttempt]
}

extension WorkflowClient {
    /// Starts a workflow with the engine's settings.
    public func start<W: Workflow>(_ type: W.Type, id: String, _ input: W.Input) async throws -> String {
        try await start(type, id: id, input, options: WorkflowOptions())
    }
}
