import Logging
import SQLConnectors
public import Workflows

/// Runs one hook of a run.
public struct RunHook: Activity {
    let runtime: BackfillRuntime

    /// Which hook, and what it may have to tell.
    public struct Input: Codable, Sendable {
        /// The run.
        public var runID: RunID
        /// The hook's name, such as `after/1`.
        public var hook: String
        /// The pass at whose end it runs; nil for a hook that has its effect once in a run.
        public var pass: Int?
        /// How the run ended; nil before it has.
        public var outcome: RunOutcome?

        /// One for each effect that the hook is to have.
        var key: LedgerKey {
            LedgerKey(run: runID.rawValue, bucket: "hook/\(hook)" + (pass.map { "/pass \($0)" } ?? ""))
        }
    }

    /// Safe to repeat: SQL leaves a row in its database's ledger, a report carries an idempotency key.
    ///
    /// - Throws: ``SQLConnectors/ScriptError``, ``ReportRefused`` (no retry mends those), ``SQLConnectors/TargetUnavailable``,
    ///   ``ReportFailed``.
    public func run(_ input: Input, in context: ActivityContext) async throws -> Empty {
        guard let run = try await runtime.store.run(input.runID) else {
            throw RunRefused.unknown(run: input.runID.rawValue)
        }
        // What a cancelled run would have needed is not made any more.
        if input.outcome == nil, try await runtime.store.control(of: input.runID).cancelled != nil { return Empty() }
        let spec = try await runtime.spec(of: run)
        guard let hook = spec.hooks.first(where: { $0.name == input.hook }) else { return Empty() }
        runtime.logger(run: run.runID).info("hook \(hook.name)", metadata: LogMetadata.step(context))
        switch hook.action {
        case .sql(let sql, let database):
            let script = SQLScript(name: "hook \(hook.name)", sql: sql.text, origin: sql.origin)
            try await database.openForScripts(session: "backfill \(run.runID)", creating: hook.moment == .before)
                .runOnce(script, as: input.key)
        case .post(let url):
            guard let outcome = input.outcome else { return Empty() }
            let report = try await RunStats.report(of: input.runID, outcome, store: runtime.store)
            try await ReportPost(url: url, key: "\(input.key.run)/\(input.key.bucket)").send(report)
        }
        return Empty()
    }
}

extension ConnectionString {
    /// - Parameters:
    ///   - session: names the sessions that a server shows.
    ///   - creating: whether a file that is missing is made.
    fileprivate func openForScripts(session: String, creating: Bool) throws -> any ScriptDatabase {
        switch place {
        case .sqlite(let file): return SQLiteScriptDatabase(file, creates: creating)
        case .postgresql(let connection):
            return PostgreSQLScriptDatabase(
                try PostgreSQLServer(connection.secret, applicationName: session),
                name: redacted
            )
        }
    }
}
