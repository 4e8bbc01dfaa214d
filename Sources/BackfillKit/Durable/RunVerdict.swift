/// Decides whether a run whose orchestrator is at its end is complete.
enum RunVerdict {
    /// What the reason says when nothing is left to do but to look at dead letters.
    static let tooManyDeadLetters = "dead letters, where the spec tolerates"

    /// What is missing, in one line; nil when every query is complete and the dead letters are tolerated.
    static func shortfall(of run: RunID, in store: RunStore, tolerating tolerance: Tolerance) async throws -> String? {
        let progress = ProgressReader(store)
        var reasons: [String] = []
        for query in try await progress.queries(of: run) where query.state != .complete {
            if query.bucketsFailed > 0 {
                let failed = try await progress.buckets(of: run).filter {
                    $0.queryID == query.queryID && $0.state == .failed
                }
                let named = failed.prefix(3).map { "bucket \($0.bucket): \($0.error ?? "no cause kept")" }.joined(
                    separator: "; "
                )
                let more = failed.count > 3 ? "; and \(failed.count - 3) more" : ""
                reasons.append(
                    "query \(query.query): \(failed.count) of \(query.buckets ?? 0) buckets failed (\(named)\(more))"
                )
            } else {
                reasons.append("query \(query.query): \(query.error ?? "not finished")")
            }
        }
        let records = try await progress.runs(run).first?.records ?? 0
        let dead = try await store.deadLetterCount(of: run)
        if !tolerance.allows(deadLetters: dead, of: records) {
            reasons.append("\(dead) \(tooManyDeadLetters) \(tolerance)")
        }
        return reasons.isEmpty ? nil : reasons.joined(separator: "; ")
    }
}
