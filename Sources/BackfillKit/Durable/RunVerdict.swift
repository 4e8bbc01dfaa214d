/// Decides whether a run whose orchestrator is at its end is complete.
enum RunVerdict {
    /// What the reason says when nothing is left to do but to look at dead letters.
    static let tooManyDeadLetters = "dead letters, where the spec tolerates"

    /// What is missing, in one line; nil when every query is complete and the dead letters are tolerated.
    static func shortfall(of run: RunID, in store: RunStore, spec: BackfillSpec) async throws -> String? {
        let progress = ProgressReader(store)
        var reasons: [String] = []
        let queries = try await progress.queries(of: run).filter { $0.kind != .superseded }
        let stopped = try await store.control(of: run).stopped
        if let stopped { reasons.append("stopped: \(stopped)") }
        for query in queries where query.state != .complete {
            // What was stopped has said why.
            if stopped != nil, query.bucketsFailed == 0, query.error == nil { continue }
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
        let dead = try await store.deadLetterCounts(of: run)
        let all = dead.values.reduce(0, +)
        let records = try await progress.runs(run).first?.records ?? 0
        if stopped == nil, !spec.tolerate.allows(deadLetters: all, of: records) {
            reasons.append("\(all) \(tooManyDeadLetters) \(spec.tolerate)")
        }
        return reasons.isEmpty ? nil : reasons.joined(separator: "; ")
    }
}
