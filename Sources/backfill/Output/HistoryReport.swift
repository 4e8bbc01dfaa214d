import BackfillKit
import Foundation
import Workflows

/// The events of one execution, in the order that things happened: each event, and the failed attempts before the event that ended them.
struct ExecutionHistory: Encodable {
    struct Line: Encodable {
        /// The event's number; none for a failed attempt.
        var event: Int?
        /// Milliseconds since 1970.
        var at: Int64
        var what: String
        var payload: String?
    }

    var executionID: String
    var lines: [Line]

    static func read(_ executionID: String, client: any WorkflowClient) async throws -> ExecutionHistory {
        let events = try await client.history(of: executionID)
        let attempts = try await client.attempts(of: executionID)
        var lines = events.map { event in
            Line(
                event: event.id,
                at: milliseconds(event.timestamp),
                what: event.attributes.summary + (event.attributes.command.map { " (\($0))" } ?? ""),
                payload: event.attributes.payload?.text
            )
        }
        for attempt in attempts {
            let next =
                attempt.nextAttemptAt.map { "; next attempt \(Figures.time(milliseconds: milliseconds($0)))" }
                ?? "; no further attempt"
            lines.append(
                Line(
                    event: nil,
                    at: milliseconds(attempt.closedAt),
                    what:
                        "attempt \(attempt.attempt) of \(attempt.activityType) (activity \(attempt.activityID)) failed: \(attempt.failure)\(next)"
                )
            )
        }
        let order = lines.indices.sorted { one, other in
            let (first, second) = (lines[one], lines[other])
            if first.at != second.at { return first.at < second.at }
            if let a = first.event, let b = second.event { return a < b }
            return one < other
        }
        return ExecutionHistory(executionID: executionID, lines: order.map { lines[$0] })
    }

    private static func milliseconds(_ date: Date) -> Int64 { Int64((date.timeIntervalSince1970 * 1000).rounded()) }
}

extension HistoryEvent.Attributes {
    /// What a person asked of the run, and who it was.
    fileprivate var command: String? {
        guard case .workflowExecutionSignaled(let name, let input) = self,
            let command = ControlCommand(signal: name, input)
        else { return nil }
        return "\(command.verb), by \(command.request.by)"
    }

    /// What travels in the event.
    fileprivate var payload: Payload? {
        switch self {
        case .workflowExecutionStarted(let started): started.input
        case .workflowExecutionSignaled(_, let input): input
        case .activityTaskScheduled(let scheduled): scheduled.input
        case .activityTaskCompleted(_, _, let result), .childWorkflowExecutionCompleted(_, _, let result),
            .workflowExecutionCompleted(let result):
            result
        case .startChildWorkflowExecutionInitiated(let initiated): initiated.input
        case .workflowExecutionContinuedAsNew(_, let input): input
        default: nil
        }
    }
}

/// `history` for people.
enum HistoryReport {
    static func print(_ histories: [ExecutionHistory], chain: [ExecutionDescription], payloads: Bool) {
        for (index, history) in histories.enumerated() {
            let description = chain.first { $0.executionID == history.executionID }
            let state =
                description.map {
                    " · \($0.workflowType) \($0.workflowID) · \($0.status.rawValue) · \($0.historyLength) events"
                } ?? ""
            Output.result("\(index > 0 ? "\n" : "")execution \(history.executionID)\(state)")
            if let stall = description?.stall { Output.result("waits for a fixed program: \(stall)") }
            for line in history.lines {
                let number = line.event.map(String.init) ?? "!"
                let padding = String(repeating: " ", count: max(0, 6 - number.count))
                Output.result("\(padding)\(number)  \(Figures.time(milliseconds: line.at))  \(line.what)")
                if payloads, let payload = line.payload { Output.result("          \(payload)") }
            }
        }
    }
}
