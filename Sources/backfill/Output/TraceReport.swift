import BackfillKit
import Foundation

/// `trace` for people.
enum TraceReport {
    static func print(_ findings: [TraceFinding]) {
        Output.result(findings.map(text).joined(separator: "\n\n"))
    }

    private static func text(of finding: TraceFinding) -> String {
        var lines: [(String, String)] = [
            ("run", finding.runID.rawValue),
            ("query", "\(finding.query) (\(finding.queryID), \(finding.queryState.rawValue))"),
        ]
        if let record = finding.record { lines += rows(of: record) }
        if let progress = finding.progress {
            lines.append(("records", progress.records.map(Figures.count) ?? "not staged"))
            lines.append(("published", "\(Figures.count(progress.published)) (\(Figures.perCent(progress.perCent)))"))
            lines.append(
                (
                    "buckets",
                    "\(progress.bucketsComplete) of \(progress.buckets ?? 0) complete, \(progress.bucketsFailed) failed"
                )
            )
            if let error = progress.error { lines.append(("error", error)) }
        }
        if let execution = finding.execution {
            lines.append(
                (
                    "execution",
                    "\(execution.executionID), link \(execution.link) of bucket \(execution.bucket)'s executor"
                )
            )
            lines.append(
                (
                    "settled",
                    "ordinals \(execution.firstOrdinal) to \(execution.nextOrdinal - 1) in \(execution.batches) batches"
                )
            )
            lines.append(("last batch", Figures.time(milliseconds: execution.updatedAt)))
        }
        for letter in finding.deadLetters {
            lines.append(("dead letter", "\(letter.correlationID) refused by \(letter.subscription): \(letter.error)"))
        }
        return lines.map { $0.0.padding(toLength: 16, withPad: " ", startingAt: 0) + $0.1 }.joined(separator: "\n")
    }

    private static func rows(of record: TracedRecord) -> [(String, String)] {
        var lines = [
            ("record", "\(record.recordID), ordinal \(record.ordinal)"),
            ("bucket", record.bucket.map { "\($0), record is \(record.state)" } ?? record.state),
        ]
        if let id = record.correlationID { lines.append(("correlation id", id)) }
        if let at = record.settledBefore { lines.append(("settled before", Figures.time(milliseconds: at))) }
        if let payload = record.payload { lines.append(("payload", payload)) }
        return lines
    }
}
