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
        var made: [QueryID] = []
        var count = 0
        for (part, ordinals) in list.ordinals.sorted(by: { $0.key < $1.key }) {
            guard let origin = try await store.query(part.queryID) else { continue }
            made.append(try await derive(.repair, from: origin, ordinals, to: part.subscription))
            count += ordinals.count
        }
        guard count > 0 else { return 0 }
        try await store.note("repair", "\(count) records are published again", on: runID)
        try await begin(run, pass: run.pass + 1, only: nil, queries: made)
        return count
    }
}
