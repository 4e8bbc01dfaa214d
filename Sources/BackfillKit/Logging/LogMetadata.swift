import Logging
import Workflows

/// What log lines name beside their text. Ids only: payloads are never logged.
enum LogMetadata {
    static let run = "run"
    static let query = "query"
    static let bucket = "bucket"
    static let execution = "execution"
    static let correlation = "correlation-id"

    /// Names a message.
    static func message(_ messages: RecordMessages, at position: Int) -> Logger.Metadata {
        [
            query: "\(messages.queryID)", bucket: "\(messages.bucket)", execution: "\(messages.executionID)",
            correlation: "\(messages.correlationID(at: position))",
        ]
    }

    /// Names what a step of a workflow is about.
    static func step(_ context: ActivityContext, _ query: QueryID? = nil, bucket: Int? = nil) -> Logger.Metadata {
        var metadata: Logger.Metadata = [execution: "\(context.info.executionID)"]
        if let query { metadata[Self.query] = "\(query)" }
        if let bucket { metadata[Self.bucket] = "\(bucket)" }
        return metadata
    }
}
