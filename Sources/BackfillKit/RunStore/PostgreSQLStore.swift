import GRDB
import SQLConnectors

/// The run store in a schema of a PostgreSQL database.
struct PostgreSQLStore: StoreBackend {
    private let sessions: PostgreSQLSessions
    private let database: StateDatabase

    init(_ database: StateDatabase) {
        self.database = database
        sessions = PostgreSQLSessions(database.server, schema: database.schema)
    }

    func read<Value: Sendable>(_ body: @escaping @Sendable (any StoreTransaction) throws -> Value) async throws -> Value
    {
        try await patiently { connection, _ in
            try connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            let value = try body(PostgreSQLTransaction(connection: connection))
            try connection.execute("COMMIT")
            return value
        }
    }

    /// Writes of one bucket run beside those of others; any other one waits until it is alone, as all do in SQLite.
    func write<Value: Sendable>(
        _ durability: StoreDurability,
        _ scope: StoreScope,
        _ body: @escaping @Sendable (any StoreTransaction) throws -> Value
    ) async throws -> Value {
        try await patiently { connection, progress in
            // ROW SHARE goes with itself and not with EXCLUSIVE: https://www.postgresql.org/docs/15/explicit-locking.html
            let mode = if case .bucket = scope { "ROW SHARE" } else { "EXCLUSIVE" }
            let beginning = durability == .synced ? "BEGIN" : "BEGIN; SET LOCAL synchronous_commit = off"
            try connection.execute("\(beginning); LOCK TABLE write_turn IN \(mode) MODE")
            if case .bucket(let bucket) = scope {
                try connection.execute(
                    "SELECT 1 FROM bucket WHERE query_id = $1 AND number = $2 FOR UPDATE",
                    [bucket.queryID.rawValue, String(bucket.number)]
                )
            }
            let value = try body(PostgreSQLTransaction(connection: connection))
            progress.mayBeCommitted = true
            try connection.execute("COMMIT")
            return value
        }
    }

    /// How far an attempt has come, so that nothing is done twice that may be done already.
    private final class Progress {
        var mayBeCommitted = false
    }

    /// Works with a session, and does so again when the server goes away before anything can have been committed.
    ///
    /// - Throws: ``StateUnavailable`` when the server is not back within some ten seconds, ``StateError`` when it refuses; what `body` throws.
    private func patiently<Value: Sendable>(
        _ body: @escaping @Sendable (PostgreSQLConnection, Progress) throws -> Value
    ) async throws -> Value {
        var pause: Duration = .milliseconds(100)
        let end = ContinuousClock.now + .seconds(10)
        while true {
            do {
                return try await once(body)
            } catch let error as Attempt {
                guard error.mayBeRepeated, ContinuousClock.now < end else { throw explained(error.failure) }
                try await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(2))
            }
        }
    }

    /// Works with a session once.
    ///
    /// - Throws: ``StateUnavailable``, ``StateError``; what `body` throws.
    func immediately<Value: Sendable>(
        _ body: @escaping @Sendable (PostgreSQLConnection) throws -> Value
    ) async throws -> Value {
        do {
            return try await once { connection, _ in try body(connection) }
        } catch let error as Attempt {
            throw explained(error.failure)
        }
    }

    private struct Attempt: Error {
        var failure: PostgreSQLFailure
        var mayBeRepeated: Bool
    }

    private func once<Value: Sendable>(
        _ body: @escaping @Sendable (PostgreSQLConnection, Progress) throws -> Value
    ) async throws -> Value {
        try await sessions.run { connection in
            let progress = Progress()
            do {
                return try body(connection, progress)
            } catch let failure as PostgreSQLFailure {
                throw Attempt(failure: failure, mayBeRepeated: failure.passes && !progress.mayBeCommitted)
            }
        } whenClosed: { failure in
            Attempt(failure: failure, mayBeRepeated: failure.passes)
        }
    }

    private func explained(_ failure: PostgreSQLFailure) -> any Error {
        if failure.passes { return StateUnavailable(database, cause: failure.text) }
        return StateError.refused(database, cause: failure.text, isRightMissing: failure.isRightMissing)
    }
}

/// One transaction on a session.
struct PostgreSQLTransaction: StoreTransaction {
    let connection: PostgreSQLConnection

    func execute(sql: String, arguments: StoreArguments) throws -> Int { try run(sql, arguments).changes }

    func rows(sql: String, arguments: StoreArguments) throws -> [Row] {
        let rows = try run(sql, arguments)
        let columns = rows.columns
        return (0..<rows.count).map { row in
            var values: [String: (any DatabaseValueConvertible)?] = [:]
            for (index, column) in columns.enumerated() {
                values[column.name] = rows[row, index].map { Self.value($0, type: column.type) } ?? .null
            }
            return Row(values)
        }
    }

    private func run(_ sql: String, _ arguments: StoreArguments) throws -> PostgreSQLConnection.Rows {
        let statement = PostgreSQLStatementText.of(sql)
        return try connection.execute(statement.text, try statement.bind(arguments).map(Self.text))
    }

    /// A value as PostgreSQL reads it; it takes the type that the statement wants.
    private static func text(_ value: DatabaseValue) -> String? {
        switch value.storage {
        case .null: nil
        case .int64(let number): String(number)
        case .double(let number): String(number)
        // PostgreSQL has no U+0000 in texts; U+2400 is its picture.
        case .string(let text): text.utf8.contains(0) ? text.replacing("\0", with: "\u{2400}") : text
        case .blob: preconditionFailure("the run store keeps no bytes in its columns")
        }
    }

    /// A value as SQLite would have it, by the oids of `pg_type.dat`: truth values are 1 and 0, sums of whole numbers whole.
    private static func value(_ text: String, type: UInt32) -> DatabaseValue {
        let number: (any DatabaseValueConvertible)? =
            switch type {
            case 16: text == "t" ? 1 : 0
            case 20, 21, 23: Int64(text)
            case 700, 701: Double(text)
            case 1700: Int64(text) ?? Double(text)
            default: nil
            }
        return number?.databaseValue ?? text.databaseValue
    }
}
