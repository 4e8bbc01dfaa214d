import GRDB

/// What is written down after every subscription has settled a batch.
struct BatchCheckpoint: Sendable {
    var runID: RunID
    var queryID: QueryID
    var bucket: Int
    var executionID: String
    /// First ordinal of the batch.
    var firstOrdinal: Int64
    /// End of the batch, exclusive: the new checkpoint.
    var nextOrdinal: Int64
    /// Ordinals of the bucket below the batch that no record has.
    var skipped: Int64
    /// Whether nothing of the bucket is left. Its executor ends then, and no later batch would make up for a checkpoint that was lost.
    var isLast: Bool
    var redeliveries: Int
}

extension RunStore {
    /// Whether the query of a bucket has not come to its end: it may have, for whoever was taken for dead and comes late.
    static let isOpen = "NOT EXISTS (SELECT * FROM query q WHERE q.query_id = bucket.query_id AND q.state = 'complete')"

    /// Whether a query has come to its end.
    static func isOver(_ query: QueryID, _ db: any StoreTransaction) throws -> Bool {
        try Bool.fetchOne(
            db,
            sql: "SELECT EXISTS (SELECT * FROM query WHERE query_id = ? AND state = 'complete')",
            arguments: [query]
        ) ?? false
    }

    /// Moves a bucket's checkpoint. Writing the same or an older one again changes nothing, nor does one of a query that is through.
    ///
    /// - Returns: the bucket as it stands now.
    func record(_ checkpoint: BatchCheckpoint, of query: StoredQuery) async throws -> StoredBucket {
        let at = nowMilliseconds
        // The records of a redrive or repair are counted where they come from as well.
        let bucket = BucketReference(queryID: checkpoint.queryID, number: checkpoint.bucket)
        let scope: StoreScope = query.letterOrigin == nil ? .bucket(bucket) : .whole
        return try await database.write(checkpoint.isLast ? .synced : .unsynced, scope) { db in
            let key: StoreArguments = [checkpoint.queryID, checkpoint.bucket]
            guard
                var bucket = try StoredBucket.fetchOne(
                    db,
                    sql: "SELECT * FROM bucket WHERE query_id = ? AND number = ?",
                    arguments: key
                )
            else { throw PlanLost(queryID: checkpoint.queryID, bucket: checkpoint.bucket) }
            let isEnd = checkpoint.isLast && bucket.state != .complete && checkpoint.nextOrdinal >= bucket.nextOrdinal
            guard checkpoint.nextOrdinal > bucket.nextOrdinal || isEnd else { return bucket }
            if try Self.isOver(checkpoint.queryID, db) { return bucket }

            // Counted from the dead letters themselves, not from the receipt: after a crash a repeated batch is trimmed by the sink's
            // ledger and its receipt no longer knows which of its records were refused the first time.
            let newlyDead = try Self.deadLetters(
                of: query,
                from: bucket.nextOrdinal,
                to: checkpoint.nextOrdinal,
                db
            )
            try Self.settleOrigins(of: query, from: bucket.nextOrdinal, to: checkpoint.nextOrdinal, db)
            let records = checkpoint.nextOrdinal - checkpoint.firstOrdinal
            let newlySkipped = checkpoint.skipped - bucket.skipped
            bucket.nextOrdinal = checkpoint.nextOrdinal
            bucket.skipped = checkpoint.skipped
            bucket.deadLettered += newlyDead
            bucket.state = checkpoint.isLast ? .complete : .running
            if checkpoint.isLast { bucket.endOrdinal = bucket.nextOrdinal }
            try db.execute(
                sql: """
                    UPDATE bucket SET next_ordinal = ?, dead_lettered = ?, state = ?,
                        redeliveries = redeliveries + ?, execution_id = ?, waiting = NULL, error = NULL,
                        started_at = coalesce(started_at, ?), updated_at = ?6, finished_at = CASE ?3 WHEN 'complete' THEN ?6 END,
                        batches = batches + ?, end_ordinal = ?, skipped = ?
                    WHERE query_id = ? AND number = ?
                    """,
                arguments: [
                    bucket.nextOrdinal, bucket.deadLettered, bucket.state, checkpoint.redeliveries,
                    checkpoint.executionID, at, records > 0 ? 1 : 0, bucket.endOrdinal, bucket.skipped,
                    checkpoint.queryID, checkpoint.bucket,
                ]
            )
            guard records > 0 else { return bucket }
            try db.execute(
                sql: """
                    INSERT INTO executor (execution_id, query_id, bucket, first_ordinal, next_ordinal, batches, started_at, updated_at)
                    VALUES (?, ?, ?, ?, ?, 1, ?, ?6)
                    ON CONFLICT (execution_id) DO UPDATE SET
                        next_ordinal = excluded.next_ordinal, batches = executor.batches + 1, updated_at = excluded.updated_at,
                        skipped = executor.skipped + ?
                    """,
                arguments: [
                    checkpoint.executionID, checkpoint.queryID, checkpoint.bucket, checkpoint.firstOrdinal,
                    checkpoint.nextOrdinal, at, newlySkipped,
                ]
            )
            try Self.sampleRateNowAndThen(of: checkpoint.runID, at: at, db)
            return bucket
        }
    }

    /// Puts a reservation of a bucket on the disk, before any of its records is published.
    ///
    /// - Parameter known: the one that is there, as far as the caller knows.
    /// - Throws: ``ReservationTaken`` when another one is there: another process works on the bucket.
    func reserve(_ reservation: Reservation, replacing known: Reservation?, in bucket: BucketReference) async throws {
        try await database.write { db in
            let stored = try StoredBucket.fetchOne(
                db,
                sql: "SELECT * FROM bucket WHERE query_id = ? AND number = ?",
                arguments: [bucket.queryID, bucket.number]
            )
            guard stored?.reservation == known else { throw ReservationTaken(bucket: bucket.number) }
            try Self.keep(reservation, in: bucket, db)
        }
    }

    private static func keep(_ reservation: Reservation, in bucket: BucketReference, _ db: any StoreTransaction) throws
    {
        try db.execute(
            sql: "UPDATE bucket SET reservation = ? WHERE query_id = ? AND number = ?",
            arguments: [try reservation.databaseJSON(), bucket.queryID, bucket.number]
        )
    }

    /// Forgets refusals of records that are about to come again under other ordinals.
    func forgetLetters(of query: QueryID, _ ordinals: Range<Int64>) async throws {
        try await database.write { db in
            try db.execute(
                sql: "DELETE FROM dead_letter WHERE query_id = ? AND ordinal >= ? AND ordinal < ?",
                arguments: [query, ordinals.lowerBound, ordinals.upperBound]
            )
        }
    }

    /// Lets the failed buckets of a run publish again what is not as it was when a batch of it was broken off.
    ///
    /// - Returns: how many there are.
    func allowRepeating(_ run: RunID, only bucket: BucketReference? = nil) async throws -> Int {
        try await database.write { db in
            let failed = try StoredBucket.fetchAll(
                db,
                sql: """
                    SELECT b.* FROM bucket b JOIN query q USING (query_id)
                    WHERE q.run_id = ? AND b.state = 'failed' AND b.reservation IS NOT NULL AND b.error LIKE ? || '%'
                    """,
                arguments: [run, SourceChanged.beginning]
            ).filter { bucket == nil || bucket == BucketReference(queryID: $0.queryID, number: $0.number) }
            for one in failed {
                guard var reservation = one.reservation else { continue }
                reservation.mayRepeat = true
                try Self.keep(reservation, in: BucketReference(queryID: one.queryID, number: one.number), db)
            }
            return failed.count
        }
    }

    /// Counts a failed attempt of a batch and says why the bucket waits; nothing when its query has come to its end meanwhile.
    func noteRetry(bucket number: Int, of query: QueryID, executionID: String, attempt: Int, error: String) async throws
    {
        let at = nowMilliseconds
        try await database.write(.unsynced) { db in
            try db.execute(
                sql: """
                    UPDATE bucket SET retries = retries + 1, waiting = ?, error = ?, execution_id = ?, state = 'running',
                        started_at = coalesce(started_at, ?), updated_at = ?4
                    WHERE query_id = ? AND number = ? AND state <> 'complete'
                        AND \(Self.isOpen)
                    """,
                arguments: ["retry after attempt \(attempt): \(error)", error, executionID, at, query, number]
            )
        }
    }

    /// At most two samples a second, so that the table grows with time and not with batches.
    private static func sampleRateNowAndThen(of run: RunID, at: Int64, _ db: any StoreTransaction) throws {
        let last = try Int64.fetchOne(
            db,
            sql: "SELECT max(at) FROM rate_sample WHERE run_id = ?",
            arguments: [run]
        )
        if let last, at - last < 500 { return }
        try sampleRate(of: run, at: at, db)
        try db.execute(
            sql: """
                UPDATE run_process SET last_seen_at = ?1
                WHERE run_id = ?2 AND started_at = (SELECT max(started_at) FROM run_process WHERE run_id = ?2)
                """,
            arguments: [at, run]
        )
    }

    /// Notes how many records of a run are settled now.
    static func sampleRate(of run: RunID, at: Int64, _ db: any StoreTransaction) throws {
        try db.execute(
            sql: """
                INSERT INTO rate_sample (run_id, at, settled) VALUES (?, ?, ?)
                ON CONFLICT (run_id, at) DO UPDATE SET settled = excluded.settled
                """,
            arguments: [run, at, try settledRecords(of: run, db)]
        )
    }

    private static func settledRecords(of run: RunID, _ db: any StoreTransaction) throws -> Int64 {
        try Int64.fetchOne(
            db,
            sql:
                "SELECT total(b.next_ordinal - b.first_ordinal - b.skipped) FROM query q JOIN bucket b USING (query_id) WHERE q.run_id = ?",
            arguments: [run]
        ) ?? 0
    }
}

/// The frozen plan that a history points to is not in the store.
struct PlanLost: Error, CustomStringConvertible {
    var queryID: QueryID
    var bucket: Int
    var description: String {
        """
        Bucket \(bucket) of query \(queryID) is not in the state folder's plan. The folder was changed or replaced while the run was \
        unfinished; put the old backfill.sqlite back, or start a new run.
        """
    }
}
