#if Temporal
import Foundation
import Workflows

/// What this engine writes into headers and memos beside what Temporal knows itself.
enum HeaderName {
    /// In headers of executions and activities.
    static let header = "backfill"
    /// In memos, where lists show it.
    static let memo = "backfill"
}

/// What an execution learns at its start.
struct ExecutionHeader: Codable, Sendable {
    /// A signal that no handler had taken when the execution before ended.
    struct Signal: Codable, Sendable {
        var name: String
        /// JSON text.
        var input: String
    }

    var historyLimit: HistoryLimit
    var continuedCount = 0
    var signals: [Signal] = []
}

/// What lists show of an execution.
struct ExecutionMemo: Codable, Sendable {
    /// The execution that handed over to this one.
    var previousExecutionID: String?
}

/// What an activity's worker has to know of it.
struct ActivityHeader: Codable, Sendable {
    var firstExecutionID: String
    var options: ActivityOptions
}

/// Execution ids are Temporal's run ids without their hyphens, which correlation ids need for themselves.
enum ExecutionID {
    static func of(runID: String) -> String { runID.replacing("-", with: "") }

    /// The run id that an execution id was made of.
    static func runID(_ executionID: String) -> String {
        guard executionID.utf8.count == 32 else { return executionID }
        var text = ""
        for (place, character) in executionID.enumerated() {
            if [8, 12, 16, 20].contains(place) { text.append("-") }
            text.append(character)
        }
        return text
    }
}
#endif
