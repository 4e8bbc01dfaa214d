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
    func amend(_ run: RunID, _ spec: BackfillSpec, _ changes: [QueryChange], by person: String) async throws {
        let at = nowMilliseconds
        let subscriptions = spec.sinks.count
        try await database.write { db in
            try db.execute(
                sql: "UPDATE run SET spec_file = ?, spec_digest = ?, spec_text = ? WHERE run_id = ?",
                arguments: [spec.file, spec.digest, spec.sourceText, run]
            )
            try db.execute(sql: "DELETE FROM hook WHERE run_id = ?", arguments: [run])
            for (name, sql) in spec.hookSQL {
                try db.execute(sql: "INSERT INTO hook VALUES (?, ?, ?)", arguments: [run, name, sql])
            }
            for change in changes {
                switch change {
                case .rewrite(let query, let sql):
                    try db.execute(
                        sql: "UPDATE query SET sql = ?, state = 'pending', error = NULL WHERE query_id = ?",
                        arguments: [sql, query]
                    )
                case .supersede(let query, let successor):
                    try Self.supersede(query, at: at, subscriptions: subscriptions, db)
                    try Self.insert(successor, db)
                }
            }
            try Self.note("spec", "spec taken anew from \(spec.file)", by: person, at: at, on: run, db)
        }
    }

    private static func supersede(_ query: StoredQuery, at: Int64, subscriptions: Int, _ db: Database) throws {
        let earlier =
            try Int.fetchOne(
                db,
                sql: "SELECT count(*) FROM query WHERE run_id = ? AND position = ? AND kind = 'superseded'",
                arguments: [query.runID, query.position]
            ) ?? 0
        try db.execute(
            sql: """
                UPDATE query SET kind = 'superseded', state = 'complete', error = NULL, name = ?, finished_at = ?
                WHERE query_id = ?
                """,
            arguments: ["\(query.name).superseded-\(earlier + 1)", at, query.queryID]
        )
        try db.execute(
            sql: """
                UPDATE dead_letter SET discarded_at = ?1, discarded_by = ?2
                WHERE query_id = ?3 AND discarded_at IS NULL AND ordinal IN (
                    SELECT ordinal FROM dead_letter WHERE query_id = ?3 GROUP BY ordinal HAVING count(*) >= ?4)
                """,
            arguments: [at, mended, query.queryID, subscriptions]
        )
    }

    /// The records of a query that need not come again: those that were settled, but for those that no subscription has taken. One that
    /// some have taken stays a dead letter of the others.
    func taken(of query: StoredQuery, subscriptions: Int) async throws -> StagedSelection.Taken? {
        guard let staged = query.staged else { return nil }
        return try await database.read { db in
            let ranges = try Row.fetchAll(
                db,
                sql: "SELECT first_ordinal, next_ordinal FROM bucket WHERE query_id = ? AND next_ordinal > first_ordinal",
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

    /// Queries of earlier canaries of the same spec (the same file, or the same text elsewhere), by name.
    func canaryQueries(like run: StoredRun) async throws -> [String: [QueryID]] {
        try await database.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT q.name, q.query_id FROM query q JOIN run r USING (run_id)
                    WHERE r.canary IS NOT NULL AND r.state IN ('complete', 'incomplete') AND (r.spec_digest = ? OR r.spec_file = ?)
                        AND q.kind = 'query' AND q.staged IS NOT NULL
                    ORDER BY q.query_id
                    """,
                arguments: [run.specDigest, run.specFile]
            )
            return Dictionary(grouping: rows, by: { $0["name"] as String }).mapValues { $0.map { $0["query_id"] } }
        }
    }
}
