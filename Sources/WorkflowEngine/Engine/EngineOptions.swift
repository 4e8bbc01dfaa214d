public import Logging
public import Workflows

/// How an embedded engine works.
public struct EngineOptions: Sendable {
    /// Activities that may run at once.
    public var maximumConcurrentActivities: Int
    /// The limit of executions that say none of their own.
    public var historyLimit: HistoryLimit
    /// The most bytes of JSON that an input or result may hold.
    public var payloadLimit: Int
    /// How many executions keep their code in memory between turns; those beyond are replayed when their next turn comes.
    public var maximumCachedInstances: Int
    /// How often to look for requests of other processes; nil when there are no other processes.
    public var requestInterval: Duration?
    /// What log lines about a workflow carry beside its execution and workflow id. Asked only for lines that are logged.
    public var logMetadata: @Sendable (_ workflowID: String) -> Logger.Metadata

    /// Temporal's limits; requests are looked for five times a second.
    public init(
        maximumConcurrentActivities: Int = 200,
        historyLimit: HistoryLimit = HistoryLimit(),
        payloadLimit: Int = 256 * 1024,
        maximumCachedInstances: Int = 1000,
        requestInterval: Duration? = .milliseconds(200),
        logMetadata: @escaping @Sendable (_ workflowID: String) -> Logger.Metadata = { _ in [:] }
    ) {
        self.maximumConcurrentActivities = maximumConcurrentActivities
        self.historyLimit = historyLimit
        self.payloadLimit = payloadLimit
        self.maximumCachedInstances = maximumCachedInstances
        self.requestInterval = requestInterval
        self.logMetadata = logMetadata
    }
}
