import Synchronization

/// A few sessions with one PostgreSQL database, for the short transactions of many tasks.
package final class PostgreSQLSessions: Sendable {
    private let open: @Sendable () throws -> PostgreSQLConnection
    private let workers: [SerialWorker<PostgreSQLConnection?>]
    private let next = Atomic<Int>(0)

    /// Names the database; a session is opened when it is first used, and again after it broke.
    ///
    /// - Parameters:
    ///   - schema: where unqualified names are looked for, before the system's own.
    ///   - patience: a transaction that asks for nothing for so long is ended, and lets go of what it has locked.
    package init(_ server: PostgreSQLServer, schema: String, count: Int = 4, patience: Duration = .seconds(10)) {
        let settings = [
            ("search_path", quotedIdentifier(schema)),
            ("idle_in_transaction_session_timeout", "'\(patience / .milliseconds(1))ms'"),
        ]
        open = { try PostgreSQLConnection(server, settings: settings) }
        workers = (0..<count).map { SerialWorker(label: "state \($0)", nil) }
    }

    /// Runs `body` on one of the sessions, on a thread of its own. A transaction that it leaves open is rolled back.
    ///
    /// - Parameter whenClosed: what is thrown when no session can be had.
    /// - Throws: what `body` and `whenClosed` do.
    package func run<Value: Sendable>(
        _ body: @escaping @Sendable (PostgreSQLConnection) throws -> Value,
        whenClosed: @escaping @Sendable (PostgreSQLFailure) -> any Error = { $0 }
    ) async throws -> Value {
        let turn = next.wrappingAdd(1, ordering: .relaxed).oldValue
        let open = open
        return try await workers[abs(turn % workers.count)].run { session in
            let connection: PostgreSQLConnection
            do {
                connection = try session ?? open()
            } catch let failure as PostgreSQLFailure {
                throw whenClosed(failure)
            }
            session = connection
            defer {
                if !connection.isIdle { _ = try? connection.execute("ROLLBACK") }
                if !connection.isAlive { session = nil }
            }
            return try body(connection)
        }
    }
}
