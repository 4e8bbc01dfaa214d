import Workflows

extension Backfill {
    /// Publishes the records again that a verification found missing or, where rows are updated, changed: only those, each to the sink that
    /// lacks it, through the same topic and limits. Changed and repeated rows of tables that are appended to stay.
    ///
    /// - Returns: how many records; none when there is nothing to publish.
    /// - Throws: ``RunRefused`` when the run is at work.
    public func repair(_ runID: RunID, _ verifier: Verifier) async throws -> Int {
        let run = try await requireIdle(runID)
        let list = try await verifier.examine(runID).1
        var derived: [DerivedQuery] = []
        for (part, ordinals) in list.ordinals.sorted(by: { $0.key < $1.key }) {
            guard let origin = try await store.query(part.queryID) else { continue }
            let underWay = try await store.underWay(of: part.queryID, to: part.subscription)
            let wanted = ordinals.filter { !underWay.contains($0) }
            if wanted.isEmpty { continue }
            let before = derived.count { $0.query.originID == part.queryID }
            derived.append(
                try await derive(.repair, from: origin, wanted, to: part.subscription, after: before) {
                    try await stage(wanted, of: origin, as: $0)
                }
            )
        }
        let count = derived.reduce(0) { $0 + $1.origins.count }
        guard count > 0 else {
            if list.ordinals.isEmpty { return 0 }
            throw RunRefused.underWay(run: runID)
        }
        let text = "\(count) \(count == 1 ? "record is" : "records are") published again"
        try await store.create(derived, of: run, noting: "repair", text)
        try await begin(run, pass: run.pass + 1, only: nil, queries: derived.map(\.query.queryID))
        return count
    }
}
