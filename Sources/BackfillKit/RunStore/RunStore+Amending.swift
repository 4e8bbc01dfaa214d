import Foundation
import GRDB
import SQLConnectors

extension RunStore {
    /// Marks dead letters whose records come again with mended SQL.
    private static let mended = "mended SQL"

    /// Whether every record of a query has arrived.
    func isThrough(_ query: StoredQuery) async throws -> Bool {
        guard query.state == .complete else { return false }
        return try await deadLetterCounts(of: query.runID)[query.queryID] == nil
    }

    /// Stores a run's spec anew, and what follows for its queries, in one transaction.
    ///
    /// - Parameters:
    ///   - stored: the run as it was when the changes were thought out.
    ///   - subscriptions: how many get every message of a query.
    /// - Throws: ``RunRefused`` when another process has begun a pass since.
    func amend(
        _ stored: StoredRun,
        _ spec: BackfillSpec,
        _ changes: [QueryChange],
        subscriptions: Int,
        by person: String
    ) async throws {
        let (at, run) = (nowMilliseconds, stored.runID)
        try await database.write { db in
            let changed = try db.execute(
                sql: """
                    UPDATE run SET spec_file = ?, spec_digest = ?, spec_text = ? WHERE run_id = ? AND pass = ? AND state = ?
                    """,
                arguments: [spec.file, spec.digest, spec.sourceText, run, stored.pass, stored.state]
            )
            guard changed == 1 else { throw RunRefused.changed(run: run) }
            try Self.replaceHooks(of: run, by: spec.hookSQL, db)
            for change in changes {
                switch change {
                case .rewrite(let query, let id, let sql):
                    let changed = try db.execute(
                        sql: """
                            UPDATE query SET query_id = ?, sql = ?, state = 'pending', error = NULL, extracted_count = 0
                            WHERE query_id = ? AND staged IS NULL AND bucket_count IS NULL
                            """,
                        arguments: [id, sql, query]
                    )
                    guard changed == 1 else { throw RunRefused.changed(run: run) }
                case .supersede(let query, let successor, let standings):
                    let old = try Self.supersede(query, at: at, db)
                    try Self.insert(successor, db)
                    // A catch-up has one subscription only, so its successor takes all that it has not published.
                    let count = query.subscription == nil ? subscriptions : 1
                    try Self.settleDerived(of: query.queryID, standings, db)
                    try Self.catchUp(old, count, standings.own, after: successor, at: at, db)
                }
            }
            try Self.note("spec", "spec taken anew from \(spec.file)", by: person, at: at, on: run, db)
        }
    }

    /// - Returns: the query under its new name.
    private static func supersede(_ query: StoredQuery, at: Int64, _ db: any StoreTransaction) throws -> StoredQuery {
        let earlier =
            try Int.fetchOne(
                db,
                sql: "SELECT count(*) FROM query WHERE run_id = ? AND position = ? AND kind = 'superseded'",
                arguments: [query.runID, query.position]
            ) ?? 0
        var old = query
        old.name = "\(query.name).superseded-\(earlier + 1)"
        try db.execute(
            sql: """
                UPDATE query SET kind = 'superseded', state = 'complete', error = NULL, name = ?, finished_at = ?
                WHERE query_id = ?
                """,
            arguments: [old.name, at, query.queryID]
        )
        return old
    }

    /// Ends the redrives and repairs of an old query that are not finished: what their sinks have taken has arrived, the rest is its dead
    /// letters still.
    private static func settleDerived(of origin: QueryID, _ standings: Standings, _ db: any StoreTransaction) throws {
        for sink in standings.derived {
            try db.execute(
                sql: """
                    DELETE FROM dead_letter WHERE query_id = ?1 AND subscription = ?2 AND coalesce(failed_in, '') <> ?3 AND ordinal IN (
                        SELECT r.origin_ordinal FROM record_origin r JOIN bucket b USING (query_id)
                        WHERE r.query_id = ?3 AND b.number = ?4 AND r.ordinal >= b.first_ordinal AND r.ordinal < ?5)
                    """,
                arguments: [origin, sink.standing.subscription, sink.query, sink.standing.bucket, sink.standing.next]
            )
        }
        try db.execute(
            sql:
                "UPDATE query SET state = 'complete', error = 'superseded' WHERE origin_id = ? AND kind IN ('redrive', 'repair') AND state <> 'complete'",
            arguments: [origin]
        )
    }

    /// What some sinks have taken of the old query and others have not is published to those others, with the mended SQL.
    private static func catchUp(
        _ old: StoredQuery,
        _ subscriptions: Int,
        _ standings: [SinkStanding],
        after successor: StoredQuery,
        at: Int64,
        _ db: any StoreTransaction
    ) throws {
        // The checkpoints move to what the first of the sinks has taken: all of it is the old query's.
        for (bucket, sinks) in Dictionary(grouping: standings, by: \.bucket) {
            let reached = sinks.map(\.next).max() ?? 0
            try db.execute(
                sql:
                    "UPDATE bucket SET next_ordinal = max(next_ordinal, ?), updated_at = ? WHERE query_id = ? AND number = ?",
                arguments: [reached, at, old.queryID, bucket]
            )
            for sink in sinks where sink.next < reached {
                try db.execute(
                    sql: "INSERT INTO lagging (query_id, subscription, first_ordinal, end_ordinal) VALUES (?, ?, ?, ?)",
                    arguments: [old.queryID, sink.subscription, sink.next, reached]
                )
            }
        }
        // Records that every sink refused come with the successor, and so do those that no sink has come to; those that some refused are
        // caught up by them alone.
        try db.execute(
            sql: """
                INSERT INTO lagging (query_id, subscription, first_ordinal, end_ordinal)
                SELECT query_id, subscription, ordinal, ordinal + 1 FROM dead_letter
                WHERE query_id = ?1 AND discarded_at IS NULL AND ordinal NOT IN (
                    SELECT ordinal FROM dead_letter WHERE query_id = ?1 AND discarded_at IS NULL
                    GROUP BY ordinal HAVING count(*) >= ?2)
                    AND ordinal IN (
                        SELECT d.ordinal FROM dead_letter d JOIN bucket b ON b.query_id = d.query_id
                        WHERE d.query_id = ?1 AND d.ordinal >= b.first_ordinal AND d.ordinal < b.next_ordinal)
                ON CONFLICT DO NOTHING
                """,
            arguments: [old.queryID, subscriptions]
        )
        try db.execute(
            sql: """
                UPDATE dead_letter SET discarded_at = ?, discarded_by = ? WHERE query_id = ? AND discarded_at IS NULL
                """,
            arguments: [at, mended, old.queryID]
        )
        // Only what every sink refused is not the old query's.
        try db.execute(
            sql: """
                UPDATE bucket SET dead_lettered = (
                    SELECT count(*) FROM (
                        SELECT d.ordinal FROM dead_letter d
                        WHERE d.query_id = bucket.query_id AND d.ordinal >= bucket.first_ordinal AND d.ordinal < bucket.next_ordinal
                            AND d.discarded_by = ?3
                        GROUP BY d.ordinal HAVING count(*) >= ?1) AS refused)
                WHERE query_id = ?2
                """,
            arguments: [subscriptions, old.queryID, mended]
        )
        let lagging = try String.fetchAll(
            db,
            sql: "SELECT DISTINCT subscription FROM lagging WHERE query_id = ? ORDER BY 1",
            arguments: [old.queryID]
        )
        for (index, subscription) in lagging.enumerated() {
            var query = successor
            query.queryID = QueryID.make(milliseconds: at, random: .random(in: 0...UInt64.max))
            query.name = "\(successor.name).catch-up-\(index + 1)-\(old.name.split(separator: "-").last ?? "")"
            query.kind = .catchUp
            query.subscription = subscription
            query.skips = nil
            query.originID = old.queryID
            try insert(query, db)
        }
    }

    /// The records of an old query that a subscription lacks though others have taken them.
    func lagging(_ subscription: String, of query: StoredQuery) async throws -> StagedSelection.Taken? {
        guard let staged = query.staged else { return nil }
        return try await database.read { db in
            let ranges = try Row.fetchAll(
                db,
                sql: "SELECT first_ordinal, end_ordinal FROM lagging WHERE query_id = ? AND subscription = ?",
                arguments: [query.queryID, subscription]
            ).map { ($0["first_ordinal"] as Int64)..<($0["end_ordinal"] as Int64) }
            return StagedSelection.Taken(result: staged, ordinals: ranges, except: [])
        }
    }

    /// The records of a query that need not come again: those that were settled, but for those that no subscription has taken. One that
    /// some have taken stays a dead letter of the others.
    func taken(of query: StoredQuery, subscriptions: Int) async throws -> StagedSelection.Taken? {
        guard let staged = query.staged else { return nil }
        return try await database.read { db in
            let ranges = try Row.fetchAll(
                db,
                sql:
                    "SELECT first_ordinal, next_ordinal FROM bucket WHERE query_id = ? AND next_ordinal > first_ordinal",
                arguments: [query.queryID]
            ).map { ($0["first_ordinal"] as Int64)..<($0["next_ordinal"] as Int64) }
            let except = try Int64.fetchAll(
                db,
                sql: """
                    SELECT ordinal FROM dead_letter
                    WHERE query_id = ? AND (discarded_at IS NULL OR discarded_by = ?)
                    GROUP BY ordinal HAVING count(*) >= ?
                    """,
                arguments: [query.queryID, Self.mended, subscriptions]
            )
            return StagedSelection.Taken(result: staged, ordinals: ranges, except: except)
        }
    }

    /// Queries of earlier canaries of the same spec (the same file, or the same text elsewhere) that have results, whatever became of the
    /// runs.
    func canaryQueries(like run: StoredRun) async throws -> [StoredQuery] {
        try await database.read { db in
            try StoredQuery.fetchAll(
                db,
                sql: """
                    SELECT q.* FROM query q JOIN run r USING (run_id)
                    WHERE r.canary IS NOT NULL AND (r.spec_digest = ? OR r.spec_file = ?)
                        AND q.kind IN ('query', 'superseded') AND q.staged IS NOT NULL
                    ORDER BY q.query_id
                    """,
                arguments: [run.specDigest, run.specFile]
            )
        }
    }
}
