import Foundation
import GRDB

extension RunStore {
    /// Stores a new run, its queries and the SQL of its hooks by their names, in one transaction.
    ///
    /// - Throws: ``RunRefused`` when an unfinished run of the same spec is there, unless `besideUnfinished`.
    public func create(
        _ run: StoredRun,
        queries: [StoredQuery],
        hookSQL: [String: String] = [:],
        besideUnfinished: Bool = false
    ) async throws {
        try await database.write { db in
            if !besideUnfinished, let other = try Self.unfinishedRun(like: run, db) {
                throw RunRefused.unfinished(run: other)
            }
            try db.execute(
                sql: """
                    INSERT INTO run (
                        run_id, name, spec_file, spec_digest, spec_text, state, pass, created_at, canary, forecast_seconds
                    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    run.runID, run.name, run.specFile, run.specDigest, run.specText, run.state, run.pass, run.createdAt,
                    try run.canary?.databaseJSON(), run.forecastSeconds,
                ]
            )
            for query in queries { try Self.insert(query, db) }
            try Self.replaceHooks(of: run.runID, by: hookSQL, db)
        }
    }

    /// Keeps the SQL of a run's hooks, instead of whatever was kept.
    static func replaceHooks(of run: RunID, by hookSQL: [String: String], _ db: any StoreTransaction) throws {
        try db.execute(sql: "DELETE FROM hook WHERE run_id = ?", arguments: [run])
        for (name, sql) in hookSQL {
            try db.execute(sql: "INSERT INTO hook VALUES (?, ?, ?)", arguments: [run, name, sql])
        }
    }

    static func insert(_ query: StoredQuery, _ db: any StoreTransaction) throws {
        try db.execute(
            sql: """
                INSERT INTO query (query_id, run_id, position, name, lane, sql, state, kind, origin_id, subscription, skips)
                VALUES (?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?)
                """,
            arguments: [
                query.queryID, query.runID, query.position, query.name, query.lane, query.sql, query.kind,
                query.originID, query.subscription, try query.skips?.databaseJSON(),
            ]
        )
    }

    /// The newest run of the same spec (the same file, or the same text elsewhere) that is not complete.
    private static func unfinishedRun(like run: StoredRun, _ db: any StoreTransaction) throws -> RunID? {
        try RunID.fetchOne(
            db,
            sql: """
                SELECT run_id FROM run WHERE (spec_digest = ? OR spec_file = ?) AND state NOT IN ('complete', 'cancelled')
                ORDER BY created_at DESC, run_id DESC
                """,
            arguments: [run.specDigest, run.specFile]
        )
    }

    /// A run by its id; nil when there is none.
    public func run(_ id: RunID) async throws -> StoredRun? {
        try await database.read { db in
            try StoredRun.fetchOne(db, sql: "SELECT * FROM run WHERE run_id = ?", arguments: [id])
        }
    }

    /// All runs, newest first.
    public func runs() async throws -> [StoredRun] {
        try await database.read { db in
            try StoredRun.fetchAll(db, sql: "SELECT * FROM run ORDER BY created_at DESC, run_id DESC")
        }
    }

    /// Says that an orchestrator is being started for the run, for the `pass`-th time.
    public func markRunning(_ id: RunID, pass: Int) async throws {
        try await database.write { db in
            try Self.forgetStop(of: id, db)
            try db.execute(
                sql: "UPDATE run SET state = 'running', pass = ?, finished_at = NULL, error = NULL WHERE run_id = ?",
                arguments: [pass, id]
            )
        }
    }

    /// Writes down how a run ended.
    ///
    /// - Parameter pass: the pass that has ended; nil for whichever it is.
    /// - Returns: false when a later pass has begun since; nothing was written then.
    public func finish(_ id: RunID, pass: Int?, state: RunState, error: String?) async throws -> Bool {
        let at = nowMilliseconds
        return try await database.write { db in
            let changed = try db.execute(
                sql: """
                    UPDATE run SET state = ?, finished_at = ?, error = ?, waiting = NULL
                    WHERE run_id = ? AND pass = coalesce(?, pass)
                    """,
                arguments: [state, at, error, id, pass]
            )
            guard changed == 1 else { return false }
            try Self.sampleRate(of: id, at: at, db)
            try db.execute(
                sql: """
                    UPDATE run_process SET last_seen_at = ?1
                    WHERE run_id = ?2 AND started_at = (SELECT max(started_at) FROM run_process WHERE run_id = ?2)
                    """,
                arguments: [at, id]
            )
            return true
        }
    }

    /// Notes that this process works on the run from now on.
    public func noteProcess(_ processID: Int32, on id: RunID) async throws {
        let at = nowMilliseconds
        try await database.write { db in
            try db.execute(
                sql:
                    "INSERT INTO run_process (run_id, process_id, started_at, last_seen_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                arguments: [id, processID, at, at]
            )
            try Self.sampleRate(of: id, at: at, db)
        }
    }

    /// The queries of a run in the spec's order.
    public func queries(of id: RunID) async throws -> [StoredQuery] {
        try await database.read { db in try Self.queries(of: id, db) }
    }

    static func queries(of id: RunID, _ db: any StoreTransaction) throws -> [StoredQuery] {
        try StoredQuery.fetchAll(
            db,
            sql: "SELECT * FROM query WHERE run_id = ? ORDER BY position, query_id",
            arguments: [id]
        )
    }

    /// The SQL of a run's hooks by their names.
    public func hookSQL(of id: RunID) async throws -> [String: String] {
        try await database.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: "SELECT name, sql FROM hook WHERE run_id = ?",
                arguments: [id]
            )
            return Dictionary(uniqueKeysWithValues: rows.map { ($0["name"], $0["sql"]) })
        }
    }

    /// A query by its id.
    public func query(_ id: QueryID) async throws -> StoredQuery? {
        try await database.read { db in
            try StoredQuery.fetchOne(db, sql: "SELECT * FROM query WHERE query_id = ?", arguments: [id])
        }
    }
}
