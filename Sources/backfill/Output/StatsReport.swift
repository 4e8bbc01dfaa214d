import BackfillKit
import Foundation
import Rainbow

/// `stats` for people.
enum StatsReport {
    static func print(_ stats: RunStats, by level: StatsCommand.Level?, redrawing: Bool) {
        if redrawing, isatty(STDOUT_FILENO) == 1 { Output.result(Data("\u{1B}[H\u{1B}[2J".utf8)) }
        switch level {
        case .query: Output.result(queries(stats.queries))
        case .bucket: Output.result(buckets(stats.buckets))
        case .executor: Output.result(executors(stats.executors))
        case nil: whole(stats)
        }
    }

    private static func whole(_ stats: RunStats) {
        Output.result(headline(stats))
        Output.result("")
        Output.result(queries(stats.queries))
        let notable = stats.buckets.filter { $0.state == .failed || $0.waiting != nil }
        if !stats.buckets.isEmpty, stats.buckets.count <= 32 {
            Output.result("\n" + buckets(stats.buckets))
        } else if !notable.isEmpty {
            Output.result("\n" + buckets(Array(notable.prefix(32))))
        }
        for bucket in notable.prefix(5) {
            if let reason = bucket.waiting ?? bucket.error {
                let next = bucket.nextAttemptAt.map { "; next attempt at \(Figures.time(milliseconds: $0))" } ?? ""
                Output.result("bucket \(bucket.bucket) of \(bucket.query): \(reason)\(next)")
            }
        }
        if !stats.events.isEmpty { Output.result("") }
        for event in stats.events.suffix(5) {
            Output.result(
                "\(Figures.time(milliseconds: event.at))  \(event.text)\(event.person.map { ", by \($0)" } ?? "")"
            )
        }
        if let error = stats.run.error { Output.result("\nincomplete: \(error)") }
        if let step = stats.nextStep { Output.result("\nnext: \(step)") }
    }

    private static func headline(_ stats: RunStats) -> String {
        let run = stats.run
        var parts = ["run \(run.runID)"]
        if case .working(let owner) = stats.standing {
            parts.append("running in \(owner)")
        } else {
            parts.append(stats.standing.word)
        }
        if let records = run.records, let perCent = run.perCent {
            parts.append(
                "\(Figures.perCent(perCent)): \(Figures.count(run.published)) of \(Figures.count(records)) records published"
            )
        } else {
            parts.append("extracting: \(Figures.count(run.extracted)) records read")
        }
        if run.deadLettered > 0 { parts.append("\(Figures.count(run.deadLettered)) dead letters") }
        if run.canary != nil { parts.append("a canary: a part of the records") }
        var second = ["\(Figures.rate(run.rateMean)) on average over \(Figures.duration(seconds: run.secondsWorked))"]
        if run.rateNow > 0 { second.insert("\(Figures.rate(run.rateNow)) now", at: 0) }
        if let left = run.secondsLeft { second.append("\(Figures.duration(seconds: left)) left") }
        second.append("\(run.retries) retries, \(run.redeliveries) redeliveries")
        var lines = [parts.joined(separator: " · "), second.joined(separator: " · ")]
        let remarks = [ForecastReport.comparison(run), ForecastReport.bucketSpread(run), RunReport.changed(run)]
            .compactMap { $0 }
        if !remarks.isEmpty { lines.append(remarks.joined(separator: " · ")) }
        if let waiting = run.waiting, case .working = stats.standing {
            let since = run.waitingSince.map { ", since \(Figures.time(milliseconds: $0))" } ?? ""
            lines.append("waiting: \(waiting)\(since)")
        } else if let person = run.pausedBy, run.state == .running || run.state == .incomplete {
            let since = run.pausedAt.map { ", at \(Figures.time(milliseconds: $0))" } ?? ""
            lines.append("paused by \(person)\(since)")
        }
        return lines.joined(separator: "\n")
    }

    private static func queries(_ rows: [QueryProgress]) -> String {
        Table.render(
            rows,
            [
                .text("query") { $0.query },
                .text("state") { $0.state.rawValue },
                .figure("records") { $0.records.map(Figures.count) ?? Figures.count($0.extracted) + "…" },
                .figure("published") { Figures.count($0.published) },
                .figure("dead letters") { Figures.count($0.deadLettered) },
                .figure("%") { Figures.perCent($0.perCent) },
                .figure("buckets") { row in row.buckets.map { "\(row.bucketsComplete)/\($0)" } ?? "–" },
                .figure("failed") { "\($0.bucketsFailed)" },
                .figure("retries") { "\($0.retries)" },
                .text("query id") { $0.queryID.rawValue },
            ]
        )
    }

    private static func buckets(_ rows: [BucketProgress]) -> String {
        Table.render(
            rows,
            [
                .text("query") { $0.query },
                .figure("bucket") { "\($0.bucket)" },
                .text("state") { $0.waiting == nil ? $0.state.rawValue : "waiting" },
                .figure("records") { Figures.count($0.records) },
                .figure("published") { Figures.count($0.published) },
                .figure("dead letters") { Figures.count($0.deadLettered) },
                .figure("%") { Figures.perCent($0.perCent) },
                .figure("batches") { "\($0.batches)" },
                .figure("retries") { "\($0.retries)" },
                .figure("executions") { "\($0.executions)" },
                .text("execution") { $0.executionID ?? "–" },
            ]
        )
    }

    private static func executors(_ rows: [ExecutorProgress]) -> String {
        Table.render(
            rows,
            [
                .text("query") { $0.query },
                .figure("bucket") { "\($0.bucket)" },
                .figure("link") { "\($0.link)" },
                .text("execution") { $0.executionID },
                .figure("settled") { Figures.count($0.settled) },
                .figure("batches") { "\($0.batches)" },
                .figure("from") { Figures.count($0.firstOrdinal) },
                .figure("to") { Figures.count($0.nextOrdinal - 1) },
                .text("last batch") { Figures.time(milliseconds: $0.updatedAt) },
            ]
        )
    }
}
