#if Temporal
public import Logging

/// How much a worker takes on.
public struct WorkerOptions: Sendable {
    /// Turns of workflows that are taken at the same time.
    public var workflowTaskSlots: Int
    /// Attempts of activities that are made at the same time.
    public var activitySlots: Int
    /// Open calls that ask for turns, and as many for attempts.
    public var pollers: Int
    /// Executions that are kept at the place where their history has led them; others are led there again when they go on.
    public var cachedExecutions: Int
    /// How many attempts of activities the server hands out in a second, over all workers of the task queue; nil sets no limit.
    public var activitiesPerSecond: Double?
    /// A worker that falls silent for longer is taken for dead, and its activities are given to others.
    public var workerTimeout: Duration
    /// What log lines about a workflow carry beside its execution and workflow id.
    public var logMetadata: @Sendable (_ workflowID: String) -> Logger.Metadata

    /// Sets what differs from the defaults.
    public init(
        workflowTaskSlots: Int = 100,
        activitySlots: Int = 100,
        pollers: Int = 4,
        cachedExecutions: Int = 1000,
        activitiesPerSecond: Double? = nil,
        workerTimeout: Duration = .seconds(15),
        logMetadata: @escaping @Sendable (_ workflowID: String) -> Logger.Metadata = { _ in [:] }
    ) {
        self.workflowTaskSlots = workflowTaskSlots
        self.activitySlots = activitySlots
        self.pollers = pollers
        self.cachedExecutions = cachedExecutions
        self.activitiesPerSecond = activitiesPerSecond
        self.workerTimeout = workerTimeout
        self.logMetadata = logMetadata
    }
}
#endif
