import Logging

/// What log lines name beside their text. Ids only: payloads are never logged.
enum LogMetadata {
    static let run = "run"
    static let query = "query"
    static let execution = "execution"
    static let correlation = "correlation-id"

    /// Names a message.
    static func message(_ messages: RecordMessages, at position: Int) -> Logger.Metadata {
        [
            query: "\(messages.queryID)", execution: "\(messages.executionID)",
            correlation: "\(messages.correlationID(at: position))",
        ]
    }
}
