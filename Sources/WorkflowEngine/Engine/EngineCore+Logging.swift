import Logging
import Workflows

extension EngineCore {
    /// What log lines about an execution carry. Handed over as an autoclosure, it costs nothing while nobody logs.
    func ids(of record: ExecutionRecord) -> Logger.Metadata {
        var metadata = options.logMetadata(record.workflowID)
        metadata["execution"] = "\(record.executionID)"
        metadata["workflow"] = "\(record.workflowID)"
        return metadata
    }
}

extension FailureInfo {
    /// The cause at the root, in one line.
    var logText: String {
        let root = chain.last { !$0.message.isEmpty } ?? self
        return root.message.isEmpty ? root.type : "\(root.type): \(root.message)"
    }
}
