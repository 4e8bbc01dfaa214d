import GRDB

/// Which processes of a fleet are at work on a run.
extension RunStore {
    /// A worker that has not been seen for so long counts no more.
    private static let workerIsNews: Int64 = 5_000

    /// Notes that a worker publishes records of a run, and counts those that do.
    ///
    /// - Returns: how many were seen lately, this one included.
    func notePublishing(_ workerID: String, on run: RunID) async throws -> Int {
        let at = nowMilliseconds
        return try await database.write(.unsynced) { db in
            try db.execute(
                sql: """
                    INSERT INTO run_worker (run_id, worker_id, seen_at) VALUES (?, ?, ?)
                    ON CONFLICT (run_id, worker_id) DO UPDATE SET seen_at = excluded.seen_at
                    """,
                arguments: [run, workerID, at]
            )
            return try Int.fetchOne(
                db,
                sql: "SELECT count(*) FROM run_worker WHERE run_id = ? AND seen_at > ?",
                arguments: [run, at - Self.workerIsNews]
            ) ?? 1
        }
    }
}
