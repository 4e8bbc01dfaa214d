import BackfillKit
import Foundation
import SQLConnectors

/// What `plan` says: the buckets of each query, and how even they are.
enum PlanReport {
    static func print(_ spec: BackfillSpec, _ rehearsal: Rehearsal, json: Bool) throws {
        if json {
            try Output.json(Report(queries: rehearsal.plans.map(Planned.init), forecast: rehearsal.forecast))
            return
        }
        Output.result(text(of: rehearsal.plans))
        if let forecast = rehearsal.forecast { Output.result("\n" + ForecastReport.text(of: forecast)) }
        Output.result("\nnext: backfill run \(spec.file)")
    }

    /// The plan of one query, for programs.
    struct Planned: Encodable {
        var query: String
        var recordCount: Int64
        var buckets: [Bucket]
        var spread: BucketSpread?
        var skew: Double?
        var duplicateKey: DuplicateKey?
        var remarks: [String]?

        init(_ plan: RehearsedPlan) {
            query = plan.query
            recordCount = plan.recordCount
            buckets = plan.plan.buckets
            spread = plan.plan.recordSpread
            skew = (plan.plan.byteSpread ?? plan.plan.recordSpread)?.skew
            duplicateKey = plan.duplicateKey
            remarks = plan.remarks.isEmpty ? nil : plan.remarks
        }
    }

    private struct Report: Encodable {
        var queries: [Planned]
        var forecast: Forecast?
    }

    static func text(of plans: [RehearsedPlan]) -> String { plans.map(text(of:)).joined(separator: "\n\n") }

    private static func text(of plan: RehearsedPlan) -> String {
        var lines = [
            "query \(plan.query): \(Figures.count(plan.recordCount)) records in \(plan.plan.buckets.count) buckets"
        ]
        if let spread = plan.plan.recordSpread {
            lines.append(
                "records per bucket: \(Figures.count(spread.smallest)) to \(Figures.count(spread.largest)), largest/mean \(String(format: "%.4f", spread.skew))"
            )
        }
        if let spread = plan.plan.byteSpread {
            lines.append(
                "bytes per bucket: \(Figures.count(spread.smallest)) to \(Figures.count(spread.largest)), largest/mean \(String(format: "%.4f", spread.skew))"
            )
        }
        lines.append(histogram(plan.plan.buckets))
        lines += plan.remarks
        if let duplicate = plan.duplicateKey {
            lines.append(
                "error: the key \(duplicate.recordID) occurs more than once, first in records \(duplicate.ordinals.map(String.init).joined(separator: " and "))"
            )
        }
        return lines.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private static func beginning(of bucket: Bucket) -> String {
        guard let keys = bucket.keys else { return "from ordinal \(Figures.count(bucket.firstOrdinal))" }
        return keys.start.key.map { "from key \($0)" } ?? "from the smallest key"
    }

    /// One line a bucket; the middle of a long plan is left out.
    private static func histogram(_ buckets: [Bucket]) -> String {
        let amounts = buckets.map { $0.byteCount ?? $0.recordCount }
        let largest = max(1, amounts.max() ?? 1)
        let shown =
            buckets.count <= 24
            ? Array(buckets.indices) : Array(buckets.indices.prefix(12)) + Array(buckets.indices.suffix(4))
        var lines: [String] = []
        for index in shown {
            if index > 0, !shown.contains(index - 1) { lines.append("     … \(buckets.count - shown.count) more") }
            let bucket = buckets[index]
            let bar = String(repeating: "█", count: max(1, Int(Double(amounts[index]) / Double(largest) * 30)))
            let number = String(repeating: " ", count: max(0, 6 - String(bucket.number).count)) + String(bucket.number)
            let bytes = bucket.byteCount.map { ", \(Figures.bytes($0))" } ?? ""
            lines.append(
                "\(number)  \(bar) \(Figures.count(bucket.recordCount)) records\(bytes), \(beginning(of: bucket))"
            )
        }
        return lines.joined(separator: "\n")
    }
}
