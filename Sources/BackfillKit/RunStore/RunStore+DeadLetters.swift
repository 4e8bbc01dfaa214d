import GRDB
import SQLConnectors
import Synchronization

/// Which dead letters are meant; what is not given admits all.
public struct DeadLetterFilter: Sendable {
    /// Only of this query of the spec.
    public var query: String?
    /// Only of this bucket.
    public var bucket: Int?
    /// Only of this subscription (sink).
    public var subscription: String?
    /// Only of this record id.
    public var recordID: String?
    /// Only those whose error holds this text, in whichever case.
    public var errorText: String?
    /// Those that were discarded instead of those that are open.
    public var isDiscarded = false

    /// Admits what all the given values admit.
    public init(
        query: String? = nil,
        bucket: Int? = nil,
        subscription: String? = nil,
        recordID: String? = nil,
        errorText: String? = nil,
        isDiscarded: Bool = false
    ) {
        self.query = query
        self.bucket = bucket
        self.subscription = subscription
        self.recordID = recordID
        self.errorText = errorText
        self.isDiscarded = isDiscarded
    }

    /// For `FROM dead_letter d JOIN query q USING (query_id)`.
    fileprivate static let condition = """
        d.run_id = :run AND (d.discarded_at IS NOT NULL) = :discarded
        AND (q.name = :query OR :query IS NULL) AND (d.bucket = :bucket OR :bucket IS NULL)
        AND (d.subscription = :subscription OR :subscription IS NULL) AND (d.record_id = :record OR :record IS NULL)
        AND (instr(lower(d.error), lower(:error)) > 0 OR :error IS NULL)
        """

    fileprivate func arguments(_ run: RunID) -> StoreArguments {
        [
            "run": run, "discarded": isDiscarded, "query": query, "bucket": bucket, "subscription": subscription,
            "record": recordID, "error": errorText,
        ]
    }
}

extension RunStore {
    /// Keeps a dead letter durably, under the query of the spec that its record comes from; one that is there already takes the new error
    /// and counts its attempts.
    ///
    /// - Parameters:
    ///   - query: whose message was refused: a query of the spec, a redrive or a repair.
    ///   - admit: called before a record gets its first dead letter, with the query of the spec; what it throws keeps nothing.
    /// - Throws: ``RunRefused`` when the query has come to its end: whoever is so late was taken for dead, and another has dealt with the record.
    func keep(
        _ letter: StoredDeadLetter,
        of query: StoredQuery,
        admit: @escaping @Sendable (QueryID) throws -> Void
    ) async throws {
        // A write may be begun again, and who admits counts.
        let isAdmitted = Atomic<Bool>(false)
        try await database.write { db in
            if try Self.isOver(query.queryID, db) { throw RunRefused.changed(run: letter.runID) }
            var letter = letter
            letter.failedIn = query.queryID
            if let origin = query.letterOrigin {
                letter.queryID = origin
                letter.ordinal = try Self.origin(of: letter.ordinal, in: query.queryID, db)
                letter.bucket =
                    try Int.fetchOne(
                        db,
                        sql:
                            "SELECT number FROM bucket WHERE query_id = ? AND first_ordinal <= ?2 AND end_ordinal > ?2",
                        arguments: [origin, letter.ordinal]
                    ) ?? letter.bucket
            }
            let isKnown = try Bool.fetchOne(
                db,
                sql: "SELECT EXISTS (SELECT * FROM dead_letter WHERE query_id = ? AND ordinal = ?)",
                arguments: [letter.queryID, letter.ordinal]
            )
            if isKnown != true, !isAdmitted.load(ordering: .relaxed) {
                try admit(letter.queryID)
                isAdmitted.store(true, ordering: .relaxed)
            }
            try db.execute(
                sql: """
                    INSERT INTO dead_letter (run_id, query_id, ordinal, subscription, bucket, record_id, execution_id, correlation_id,
                        error_type, error, attempts, payload, created_at, failed_in)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT (run_id, query_id, ordinal, subscription) DO UPDATE SET error_type = excluded.error_type, error = excluded.error, payload = excluded.payload,
                        attempts = dead_letter.attempts + CASE WHEN dead_letter.failed_in = excluded.failed_in THEN 0 ELSE excluded.attempts END,
                        failed_in = excluded.failed_in, discarded_at = NULL, discarded_by = NULL
                    """,
                arguments: [
                    letter.runID, letter.queryID, letter.ordinal, letter.subscription, letter.bucket,
                    letter.recordID,
                    letter.executionID, letter.correlationID, letter.errorType, letter.error, letter.attempts,
                    letter.payload,
                    letter.createdAt, letter.failedIn,
                ]
            )
            // A repair's record counted as published until now.
            if query.letterOrigin != nil, isKnown != true {
                try Self.countDeadLetters(of: letter.queryID, around: [letter.ordinal], db)
            }
        }
    }

    private static func origin(of ordinal: Int64, in query: QueryID, _ db: any StoreTransaction) throws -> Int64 {
        try Int64.fetchOne(
            db,
            sql: "SELECT origin_ordinal FROM record_origin WHERE query_id = ? AND ordinal = ?",
            arguments: [query, ordinal]
        ) ?? ordinal
    }

    /// Counts anew how many settled records are dead letters, in the buckets that hold some ordinals.
    static func countDeadLetters(of query: QueryID, around ordinals: [Int64], _ db: any StoreTransaction) throws {
        guard let first = ordinals.min(), let last = ordinals.max() else { return }
        try db.execute(
            sql: """
                UPDATE bucket SET dead_lettered = (
                    SELECT count(DISTINCT d.ordinal) FROM dead_letter d
                    WHERE d.query_id = bucket.query_id AND d.ordinal >= bucket.first_ordinal AND d.ordinal < bucket.next_ordinal)
                WHERE query_id = ? AND first_ordinal <= ? AND end_ordinal > ?
                """,
            arguments: [query, last, first]
        )
    }

    /// Removes the dead letters of a redrive's or repair's records that have arrived now.
    static func settleOrigins(of query: StoredQuery, from first: Int64, to end: Int64, _ db: any StoreTransaction)
        throws
    {
        guard let origin = query.letterOrigin else { return }
        let arrived = try Int64.fetchAll(
            db,
            sql: """
                DELETE FROM dead_letter WHERE query_id = ?1 AND subscription = ?2 AND coalesce(failed_in, '') <> ?3 AND ordinal IN
                    (SELECT origin_ordinal FROM record_origin WHERE query_id = ?3 AND ordinal >= ?4 AND ordinal < ?5)
                RETURNING ordinal
                """,
            arguments: [origin, query.subscription, query.queryID, first, end]
        )
        try countDeadLetters(of: origin, around: arrived, db)
    }

    /// How many records of a range are dead letters of the query, redrive or repair that met them last.
    static func deadLetters(of query: StoredQuery, from first: Int64, to end: Int64, _ db: any StoreTransaction) throws
        -> Int64
    {
        if query.letterOrigin == nil {
            return try Int64.fetchOne(
                db,
                sql:
                    "SELECT count(DISTINCT ordinal) FROM dead_letter WHERE query_id = ? AND ordinal >= ? AND ordinal < ?",
                arguments: [query.queryID, first, end]
            ) ?? 0
        }
        return try Int64.fetchOne(
            db,
            sql: """
                SELECT count(DISTINCT d.ordinal) FROM record_origin r
                CROSS JOIN dead_letter d
                WHERE d.query_id = ?2 AND d.ordinal = r.origin_ordinal AND d.failed_in = ?1 AND r.query_id = ?1 AND r.ordinal >= ?3 AND r.ordinal < ?4
                """,
            arguments: [query.queryID, query.letterOrigin, first, end]
        ) ?? 0
    }

    /// Dead letters of a run that a filter admits, in the order of query and ordinal.
    ///
    /// - Parameter limit: at most so many; nil for all.
    public func deadLetters(of run: RunID, _ filter: DeadLetterFilter = DeadLetterFilter(), limit: Int? = nil)
        async throws -> [StoredDeadLetter]
    {
        let bound = filter.arguments(run).adding(["limit": limit ?? Int.max])
        return try await database.read { db in
            try StoredDeadLetter.fetchAll(
                db,
                sql: """
                    SELECT d.* FROM dead_letter d JOIN query q USING (query_id) WHERE \(DeadLetterFilter.condition)
                    ORDER BY q.position, d.query_id, d.ordinal, d.subscription LIMIT :limit
                    """,
                arguments: bound
            )
        }
    }

    /// Those of the dead letters behind which a checkpoint has passed; the others come again when their bucket is carried on.
    func settled(_ letters: [StoredDeadLetter], of run: RunID) async throws -> [StoredDeadLetter] {
        let checkpoints = try await database.read { db in
            try Row.fetchAll(
                db,
                sql: "SELECT query_id, number, next_ordinal FROM bucket JOIN query USING (query_id) WHERE run_id = ?",
                arguments: [run]
            ).map { (BucketReference(queryID: $0["query_id"], number: $0["number"]), $0["next_ordinal"] as Int64) }
        }
        let next = Dictionary(uniqueKeysWithValues: checkpoints)
        return letters.filter { $0.ordinal < next[BucketReference(queryID: $0.queryID, number: $0.bucket)] ?? 0 }
    }

    /// Says that records need not arrive: their dead letters stay, and count no more.
    ///
    /// - Returns: how many.
    public func discard(_ filter: DeadLetterFilter, of run: RunID, by person: String) async throws -> Int {
        let at = nowMilliseconds
        let bound = filter.arguments(run).adding(["at": at, "person": person])
        return try await database.write { db in
            let count = try db.execute(
                sql: """
                    UPDATE dead_letter SET discarded_at = :at, discarded_by = :person
                    WHERE (query_id, ordinal, subscription) IN (
                        SELECT d.query_id, d.ordinal, d.subscription FROM dead_letter d JOIN query q USING (query_id)
                        WHERE \(DeadLetterFilter.condition))
                    """,
                arguments: bound
            )
            if count > 0 { try Self.note("dead letters", "\(count) discarded", by: person, at: at, on: run, db) }
            return count
        }
    }

    /// How many records of a range some sink has refused, though they may have been redriven or repaired since.
    func refusedRecords(of query: QueryID, from first: Int64, to end: Int64) async throws -> Int64 {
        try await database.read { db in
            try Int64.fetchOne(
                db,
                sql: """
                    SELECT count(*) FROM (
                        SELECT ordinal FROM dead_letter WHERE query_id = ?1
                        UNION
                        SELECT origin_ordinal FROM record_origin r JOIN query q USING (query_id) WHERE q.origin_id = ?1
                        UNION
                        SELECT r.ordinal FROM record_origin r JOIN query q USING (query_id)
                        JOIN dead_letter d ON d.query_id = q.origin_id AND d.ordinal = r.origin_ordinal WHERE r.query_id = ?1)
                    AS refused WHERE ordinal >= ?2 AND ordinal < ?3
                    """,
                arguments: [query, first, end]
            ) ?? 0
        }
    }

    /// How many records of each query are open dead letters of at least one subscription.
    func deadLetterCounts(of run: RunID) async throws -> [QueryID: Int] {
        try await database.read { db in try Self.deadLetterCounts(of: run, db) }
    }

    private static func deadLetterCounts(of run: RunID, _ db: any StoreTransaction) throws -> [QueryID: Int] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT query_id, count(DISTINCT ordinal) AS count FROM dead_letter
                WHERE run_id = ? AND discarded_at IS NULL GROUP BY query_id
                """,
            arguments: [run]
        )
        return Dictionary(uniqueKeysWithValues: rows.map { ($0["query_id"], $0["count"]) })
    }

    /// What the run's budgets are held against.
    func errorBooks(of run: RunID) async throws -> ErrorBooks {
        let dead = try await deadLetterCounts(of: run)
        return Self.errorBooks(try await queries(of: run), dead)
    }

    /// Hands over what the run's budgets are held against while nobody keeps a dead letter: what was admitted before is among them, and
    /// what is admitted later comes on top.
    func withErrorBooks(of run: RunID, _ take: @escaping @Sendable (ErrorBooks) -> Void) async throws {
        try await database.write { db in
            take(Self.errorBooks(try Self.queries(of: run, db), try Self.deadLetterCounts(of: run, db)))
        }
    }

    private static func errorBooks(_ all: [StoredQuery], _ dead: [QueryID: Int]) -> ErrorBooks {
        var books = ErrorBooks(queries: [:])
        let names = Dictionary(
            all.filter { $0.kind == .query }.map { ($0.position, $0.name) },
            uniquingKeysWith: { first, _ in first }
        )
        for query in all where query.kind == .query || query.kind == .catchUp {
            books.queries[query.queryID] = ErrorBooks.Query(
                name: names[query.position] ?? query.name,
                deadLetters: dead[query.queryID] ?? 0,
                records: query.plannedRecords ?? (query.kind == .query ? nil : 0)
            )
        }
        return books
    }
}
