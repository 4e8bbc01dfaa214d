import GRDB

extension RunStore {
    /// Keeps dead letters durably; one that is there already stays as it was first written, apart from its error and attempts.
    public func keep(_ letters: [StoredDeadLetter]) async throws {
        try await database.write { db in
            let statement = try db.cachedStatement(
                sql: """
                    INSERT INTO dead_letter (run_id, query_id, ordinal, subscription, bucket, record_id, execution_id, correlation_id,
                        error_type, error, attempts, payload, created_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT DO UPDATE SET error_type = excluded.error_type, error = excluded.error, attempts = excluded.attempts
                    """
            )
            for letter in letters {
                try statement.execute(
                    arguments: [
                        letter.runID, letter.queryID, letter.ordinal, letter.subscription, letter.bucket,
                        letter.recordID,
                        letter.executionID, letter.correlationID, letter.errorType, letter.error, letter.attempts,
                        letter.payload,
                        letter.createdAt,
                    ])
            }
        }
    }

    /// Dead letters of a run in the order of query and ordinal.
    ///
    /// - Parameters:
    ///   - recordID: only those of this record.
    ///   - limit: at most so many; nil for all.
    public func deadLetters(of run: RunID, recordID: String? = nil, limit: Int? = nil) async throws
        -> [StoredDeadLetter]
    {
        try await database.read { db in
            try StoredDeadLetter.fetchAll(
                db,
                sql: """
                    SELECT d.* FROM dead_letter d JOIN query q USING (query_id)
                    WHERE d.run_id = ?1 AND (?2 IS NULL OR d.record_id = ?2)
                    ORDER BY q.position, d.ordinal, d.subscription LIMIT ?3
                    """,
                arguments: [run, recordID, limit ?? -1]
            )
        }
    }

    /// How many records of a run are dead letters of at least one subscription.
    public func deadLetterCount(of run: RunID) async throws -> Int {
        try await database.read { db in
            try Int.fetchOne(
                db,
                sql: "SELECT count(*) FROM (SELECT DISTINCT query_id, ordinal FROM dead_letter WHERE run_id = ?)",
                arguments: [run]
            ) ?? 0
        }
    }
}
