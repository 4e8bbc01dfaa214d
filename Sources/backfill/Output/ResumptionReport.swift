import BackfillKit
import Foundation

/// What `resume --dry-run` says.
enum ResumptionReport {
    static func print(_ runID: RunID, _ resumption: Backfill.Resumption, store: RunStore, json: Bool) async throws {
        let buckets = try await ProgressReader(store).buckets(of: runID).filter { bucket in
            if case .restart(let only?) = resumption {
                return bucket.queryID == only.queryID && bucket.bucket == only.number
            }
            return bucket.state != .complete
        }
        if json {
            try Output.json(buckets)
            return
        }
        let unplanned = try await ProgressReader(store).queries(of: runID).filter { $0.buckets == nil }.map(\.query)
        let left = buckets.reduce(0) { $0 + $1.records - $1.published - $1.deadLettered }
        if !unplanned.isEmpty { Output.result("would read and publish: \(unplanned.joined(separator: ", "))") }
        Output.result("would publish \(Figures.count(left)) records in \(buckets.count) buckets:")
        for bucket in buckets.prefix(20) {
            Output.result(
                "  bucket \(bucket.bucket) of \(bucket.query), from ordinal \(Figures.count(bucket.nextOrdinal)) to \(Figures.count(max(bucket.nextOrdinal, bucket.endOrdinal - 1)))"
            )
        }
        if buckets.count > 20 { Output.result("  and \(buckets.count - 20) more") }
        Output.result("nothing was changed")
    }
}
