/// How many events an execution's history may hold.
public struct HistoryLimit: Sendable, Hashable, Codable {
    /// A turn that would take the history past this many events fails the execution.
    public var maximumEvents: Int
    /// How many events before the maximum ``WorkflowContext/shouldContinueAsNew`` turns true.
    public var continueAsNewMargin: Int

    /// By default 25,000 events, and a tenth of the maximum (but no fewer than 20) as margin: room for a few hundred children
    /// that are still open to report.
    public init(maximumEvents: Int = 25_000, continueAsNewMargin: Int? = nil) {
        self.maximumEvents = maximumEvents
        self.continueAsNewMargin = continueAsNewMargin ?? max(20, maximumEvents / 10)
    }
}

/// What happens when a workflow id was used before by an execution that is now closed. An open one always refuses the id.
public enum WorkflowIDReusePolicy: String, Sendable, Hashable, Codable {
    /// The id may be used again.
    case allowDuplicate
    /// The id may be used again unless its last execution completed.
    case allowDuplicateFailedOnly
    /// The id may be used once.
    case rejectDuplicate
}

/// How a workflow is started by a client.
public struct WorkflowOptions: Sendable, Hashable {
    /// The limit of each execution of the chain; none takes the engine's.
    public var historyLimit: HistoryLimit?
    /// Whether the workflow id may be used a second time.
    public var idReusePolicy: WorkflowIDReusePolicy
    /// What people see beside each execution of the chain in the lists of a Temporal server, by which they find it. It decides nothing and
    /// no workflow reads it; the embedded engine, whose lists know the workflow id only, keeps none.
    public var memo: [String: String]

    /// Sets what differs from the engine's settings.
    public init(
        historyLimit: HistoryLimit? = nil,
        idReusePolicy: WorkflowIDReusePolicy = .allowDuplicate,
        memo: [String: String] = [:]
    ) {
        self.historyLimit = historyLimit
        self.idReusePolicy = idReusePolicy
        self.memo = memo
    }
}

/// What happens to a child that is open when its parent closes.
public enum ParentClosePolicy: String, Sendable, Hashable, Codable {
    /// The child is terminated.
    case terminate
    /// The child is asked to cancel.
    case requestCancel
    /// The child goes on.
    case abandon
}

/// How a workflow starts a child.
public struct ChildWorkflowOptions: Sendable, Hashable, Codable {
    /// What happens to the child when the parent closes first.
    public var parentClosePolicy: ParentClosePolicy
    /// The limit of each execution of the child's chain; none takes the parent's.
    public var historyLimit: HistoryLimit?
    /// Whether the workflow id may be used a second time.
    public var idReusePolicy: WorkflowIDReusePolicy
    /// What people see beside each execution of the child's chain in the lists of a Temporal server; see ``WorkflowOptions/memo``. It is no
    /// part of the history: a replay does not compare it.
    public var memo: [String: String] = [:]

    private enum CodingKeys: String, CodingKey {
        case parentClosePolicy, historyLimit, idReusePolicy
    }

    /// Children end with their parent unless told otherwise.
    public init(
        parentClosePolicy: ParentClosePolicy = .terminate,
        historyLimit: HistoryLimit? = nil,
        idReusePolicy: WorkflowIDReusePolicy = .allowDuplicate,
        memo: [String: String] = [:]
    ) {
        self.parentClosePolicy = parentClosePolicy
        self.historyLimit = historyLimit
        self.idReusePolicy = idReusePolicy
        self.memo = memo
    }
}
