/// A PostgreSQL database that scripts are run on.
public struct PostgreSQLScriptDatabase: ScriptDatabase {
    private let server: PostgreSQLServer
    private let name: String

    /// Names a database; it is opened for each script.
    ///
    /// - Parameter name: the connection string as error texts may show it, without a password.
    public init(_ server: PostgreSQLServer, name: String) {
        self.server = server
        self.name = name
    }

    /// Runs a script once in effect. Its ledger lies in the first schema of the session's search path.
    public func runOnce(_ script: SQLScript, as key: LedgerKey) async throws {
        let database = self
        try await SerialWorker(label: script.name, ()).run { _ in try database.runBlocking(script, as: key) }
    }

    private func runBlocking(_ script: SQLScript, as key: LedgerKey) throws {
        do {
            let connection = try PostgreSQLConnection(server)
            let schema = try connection.execute("SELECT current_schema()")[0, 0]
            let ledger = try PostgreSQLLedger.create(inSchema: schema, on: connection)
            try connection.execute("BEGIN")
            // A second session with the same script waits here for the first one's end.
            let row = "INSERT INTO \(ledger) VALUES ($1, '', $2, 1) ON CONFLICT DO NOTHING"
            guard try connection.execute(row, [key.run, key.bucket]).changes == 1 else { return }
            try connection.execute(script.sql)
            guard connection.isInTransaction else { throw ScriptError.ownTransaction(script) }
            try connection.execute("COMMIT")
        } catch let failure as PostgreSQLFailure {
            switch failure.meaning {
            case .unavailable, .lostRace, .timedOut:
                throw TargetUnavailable(
                    "\(script.name): the database \(name) cannot be written just now: \(failure.text)."
                )
            case .refused, .record:
                let line = failure.position.map { script.sql.unicodeScalars.prefix($0).count { $0 == "\n" } + 1 }
                throw ScriptError(script, "\(failure.text)\(line.map { " (line \($0) of the script)" } ?? "").")
            }
        }
    }
}
