/// Who the execution is.
public struct WorkflowInfo: Sendable, Hashable {
    /// The name that the whole chain shares.
    public var workflowID: String
    /// This execution's own name.
    public var executionID: String
    /// The chain's first execution.
    public var firstExecutionID: String
    /// The workflow's registered name.
    public var workflowType: String
    /// The execution that started this one as its child.
    public var parent: ParentExecution?
    /// How many executions of the chain came before.
    public var continuedCount: Int
    /// How long the history may grow.
    public var historyLimit: HistoryLimit

    init(_ started: WorkflowExecutionStarted) {
        workflowID = started.workflowID
        executionID = started.executionID
        firstExecutionID = started.firstExecutionID
        workflowType = started.workflowType
        parent = started.parent
        continuedCount = started.continuedCount
        historyLimit = started.historyLimit
    }
}
