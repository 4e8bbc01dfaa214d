#if Temporal
import Logging
import Workflows

/// What both kinds of tasks of one worker share.
struct WorkerParts: Sendable {
    let connection: TemporalConnection
    let payloads: PayloadMapping
    let options: WorkerOptions
    let logger: Logger
    /// Turns of executions that this worker knows come by this queue, of which no other worker takes.
    let stickyQueue: String

    var namespace: String { connection.address.namespace }
    var identity: String { connection.options.identity }
    var taskQueue: String { connection.options.taskQueue }

    func metadata(_ execution: WireExecution) -> Logger.Metadata {
        var metadata = options.logMetadata(execution.workflowID)
        metadata["execution"] = "\(ExecutionID.of(runID: execution.runID))"
        metadata["workflow"] = "\(execution.workflowID)"
        return metadata
    }
}
#endif
