import GRDB
public import SQLConnectors

extension RunStore {
    /// Says that a query's rows are being staged, and how many are there so far.
    public func noteExtracting(_ query: QueryID, records: Int64) async throws {
        let at = nowMilliseconds
        try await database.write(.unsynced) { db in
            try db.execute(
                sql: """
                    UPDATE query SET state = 'extracting', extracted_count = ?, started_at = coalesce(started_at, ?), error = NULL
                    WHERE query_id = ? AND staged IS NULL AND direct IS NULL
                    """,
                arguments: [records, at, query]
            )
        }
    }

    /// Stores a query's staged result. It is written once: a second one is ignored and the first one returned.
    public func store(_ staged: StagedResult, for query: QueryID) async throws -> StagedResult {
        try await store([(query, staged)])[0]
    }

    /// Stores the results of queries that see the same instant: all or none, and once, as one does.
    ///
    /// - Returns: those that are kept.
    /// - Throws: ``PlanLost`` when a query is not there: its SQL was mended since. ``RunRefused`` when only some have a result: they were
    ///   staged one by one since.
    public func store(_ results: [(query: QueryID, staged: StagedResult)]) async throws -> [StagedResult] {
        try await database.write { db in
            let queries = try results.map { result in
                if let query = try Self.query(result.query, db) { return query }
                throw PlanLost(queryID: result.query, bucket: 0)
            }
            let first = queries.compactMap(\.staged)
            if first.count == results.count { return first }
            if let run = queries.first?.runID, !first.isEmpty { throw RunRefused.changed(run: run) }
            for (query, staged) in results { try Self.store(staged, for: query, db) }
            return results.map(\.staged)
        }
    }

    /// Stores queries whose records are those of others, with their results and where each record comes from, and begins the run's next
    /// pass for them: all or nothing.
    ///
    /// - Throws: ``RunRefused`` when another process has begun a pass since `run` was read.
    func create(_ derived: [DerivedQuery], of run: StoredRun, noting kind: String, _ text: String) async throws {
        let at = nowMilliseconds
        try await database.write { db in
            let changed = try db.execute(
                sql:
                    "UPDATE run SET state = 'running', pass = ?, finished_at = NULL, error = NULL WHERE run_id = ? AND pass = ? AND state = ?",
                arguments: [run.pass + 1, run.runID, run.pass, run.state]
            )
            guard changed == 1 else { throw RunRefused.changed(run: run.runID) }
            for one in derived {
                try Self.insert(one.query, db)
                try Self.store(one.staged, for: one.query.queryID, db)
                try db.insert(
                    into: "record_origin (query_id, ordinal, origin_ordinal)",
                    one.origins.enumerated().map { index, origin in [one.query.queryID, index + 1, origin] }
                )
            }
            try Self.note(kind, text, by: nil, at: at, on: run.runID, db)
        }
    }

    /// Ordinals of a query that an unfinished redrive or repair is going to publish to a subscription.
    func underWay(of origin: QueryID, to subscription: String) async throws -> Set<Int64> {
        try await database.read { db in
            Set(
                try Int64.fetchAll(
                    db,
                    sql: """
                        SELECT r.origin_ordinal FROM query q JOIN record_origin r USING (query_id)
                        WHERE q.origin_id = ? AND q.subscription = ? AND q.kind IN ('redrive', 'repair') AND q.state <> 'complete'
                        """,
                    arguments: [origin, subscription]
                )
            )
        }
    }

    private static func store(_ staged: StagedResult, for query: QueryID, _ db: any StoreTransaction) throws {
        try db.execute(
            sql:
                "UPDATE query SET staged = ?, record_count = ?, byte_count = ?, extracted_count = ?2 WHERE query_id = ?",
            arguments: [try staged.databaseJSON(), staged.recordCount, staged.byteCount, query]
        )
    }

    /// Freezes a query's plan. A plan is made once: when one is there already, it stays and is returned.
    ///
    /// - Parameter direct: of a query that is read directly, what there was when it was cut; kept together with the plan.
    /// - Returns: how many buckets the frozen plan has.
    public func freeze(_ plan: BucketPlan, for query: QueryID, direct: DirectResult? = nil) async throws -> Int {
        let at = nowMilliseconds
        return try await database.write { db in
            guard let known = try Self.query(query, db) else { throw PlanLost(queryID: query, bucket: 0) }
            if let count = known.bucketCount { return count }
            if let direct {
                try db.execute(
                    sql: "UPDATE query SET direct = ?, record_count = ?, extracted_count = ?2 WHERE query_id = ?",
                    arguments: [try direct.databaseJSON(), direct.recordCount, query]
                )
            }
            try db.insert(
                into: """
                    bucket (query_id, number, first_ordinal, end_ordinal, byte_count, state, next_ordinal, key_range, planned)
                    """,
                try plan.buckets.map { bucket in
                    [
                        query, bucket.number, bucket.firstOrdinal, bucket.endOrdinal, bucket.byteCount,
                        BucketState.pending,
                        bucket.firstOrdinal, try bucket.keys?.databaseJSON(),
                        bucket.keys == nil ? nil : bucket.recordCount,
                    ]
                }
            )
            let isEmpty = plan.buckets.isEmpty
            try db.execute(
                sql: """
                    UPDATE query SET state = ?, bucket_count = ?, planned_at = ?, finished_at = ? WHERE query_id = ?
                    """,
                arguments: [
                    isEmpty ? QueryState.complete : .planned, plan.buckets.count, at, isEmpty ? at : nil, query,
                ]
            )
            // Where publishing begins, so that the present rate does not count the time of extracting.
            try Self.sampleRate(of: known.runID, at: at, db)
            return plan.buckets.count
        }
    }

    /// The frozen plan of a query with its checkpoints, in order. Empty when no plan was made, or the result has no records.
    public func buckets(of query: QueryID) async throws -> [StoredBucket] {
        try await database.read { db in
            try StoredBucket.fetchAll(
                db,
                sql: "SELECT * FROM bucket WHERE query_id = ? ORDER BY number",
                arguments: [query]
            )
        }
    }

    /// One bucket of a frozen plan.
    public func bucket(_ number: Int, of query: QueryID) async throws -> StoredBucket? {
        try await database.read { db in
            try StoredBucket.fetchOne(
                db,
                sql: "SELECT * FROM bucket WHERE query_id = ? AND number = ?",
                arguments: [query, number]
            )
        }
    }

    /// The next buckets that no executor of this pass has ended, in order, after bucket number `after`.
    public func openBuckets(of query: QueryID, after: Int, limit: Int) async throws -> [Int] {
        try await database.read { db in
            try Int.fetchAll(
                db,
                sql: """
                    SELECT number FROM bucket
                    WHERE query_id = ? AND number > ? AND state IN ('pending', 'running') ORDER BY number LIMIT ?
                    """,
                arguments: [query, after, limit]
            )
        }
    }

    /// Says that a query could not be staged or planned; nothing when it has come to its end meanwhile.
    public func markFailed(_ query: QueryID, error: String) async throws {
        let at = nowMilliseconds
        try await database.write { db in
            try db.execute(
                sql: """
                    UPDATE query SET state = 'failed', error = ?, finished_at = ? WHERE query_id = ? AND state <> 'complete'
                    """,
                arguments: [error, at, query]
            )
        }
    }

    /// Says that the executor of a bucket gave up; nothing when its query has come to its end meanwhile.
    public func markFailed(bucket number: Int, of query: QueryID, error: String) async throws {
        let at = nowMilliseconds
        try await database.write { db in
            try db.execute(
                sql: """
                    UPDATE bucket SET state = 'failed', error = ?, waiting = NULL, finished_at = ?
                    WHERE query_id = ? AND number = ? AND state <> 'complete' AND \(Self.isOpen)
                    """,
                arguments: [error, at, query, number]
            )
        }
    }

    /// Settles the state of a query whose buckets all ended in this pass: complete, or failed and why.
    public func closeQuery(_ query: QueryID) async throws {
        let at = nowMilliseconds
        try await database.write { db in
            let failed =
                try Int.fetchOne(
                    db,
                    sql: "SELECT count(*) FROM bucket WHERE query_id = ? AND state = 'failed'",
                    arguments: [query]
                ) ?? 0
            let open =
                try Int.fetchOne(
                    db,
                    sql: "SELECT count(*) FROM bucket WHERE query_id = ? AND state IN ('pending', 'running')",
                    arguments: [query]
                ) ?? 0
            if failed > 0 {
                try db.execute(
                    sql: """
                        UPDATE query SET state = 'failed', error = ?, finished_at = ? WHERE query_id = ? AND state <> 'complete'
                        """,
                    arguments: [failed == 1 ? "1 bucket failed" : "\(failed) buckets failed", at, query]
                )
            } else if open == 0 {
                try db.execute(
                    sql: """
                        UPDATE query SET state = 'complete', error = NULL, finished_at = ?
                        WHERE query_id = ? AND bucket_count IS NOT NULL
                        """,
                    arguments: [at, query]
                )
            }
        }
    }

    /// Opens again what failed, for a resume: every failed bucket and query of the run, or just one bucket of one query.
    public func reopen(_ run: RunID, only bucket: BucketReference? = nil) async throws {
        try await database.write { db in
            try Self.forgetStop(of: run, db)
            if let bucket {
                try db.execute(
                    sql: """
                        UPDATE bucket SET state = 'pending', finished_at = NULL WHERE query_id = ? AND number = ? AND state = 'failed'
                        """,
                    arguments: [bucket.queryID, bucket.number]
                )
            } else {
                try db.execute(
                    sql: """
                        UPDATE bucket SET state = 'pending', finished_at = NULL
                        WHERE state = 'failed' AND query_id IN (SELECT query_id FROM query WHERE run_id = ?)
                        """,
                    arguments: [run]
                )
                try db.execute(
                    sql: """
                        UPDATE query SET state = CASE WHEN bucket_count IS NULL THEN 'pending' ELSE 'planned' END,
                            error = NULL, finished_at = NULL
                        WHERE run_id = ? AND state = 'failed'
                        """,
                    arguments: [run]
                )
            }
        }
    }

    private static func query(_ id: QueryID, _ db: any StoreTransaction) throws -> StoredQuery? {
        try StoredQuery.fetchOne(db, sql: "SELECT * FROM query WHERE query_id = ?", arguments: [id])
    }
}

/// Names one bucket of one query of a run.
public struct BucketReference: Codable, Hashable, Sendable {
    /// The query.
    public var queryID: QueryID
    /// 1-based.
    public var number: Int

    /// As ledgers and orders of delivery name it; unique within a run.
    var key: String { "\(queryID)/\(number)" }

    /// Names bucket `number` of query `queryID`.
    public init(queryID: QueryID, number: Int) {
        self.queryID = queryID
        self.number = number
    }
}
