import GRDBSQLite
public import Foundation

/// A database that is asked small questions again and again: a statement that only reads, and whose first value is the answer.
public protocol AnsweringDatabase: Sendable {
    /// The first value of the first row as text; nil when there is no row, or NULL in it.
    ///
    /// - Parameter timeout: after which the statement is ended.
    /// - Throws: ``QuestionFailed``.
    func ask(_ sql: String, timeout: Duration) async throws -> String?
}

/// A question found no answer.
public struct QuestionFailed: Error, CustomStringConvertible, Sendable {
    /// What went wrong, without a full stop.
    public let description: String
}

/// A SQLite file that is asked.
public struct AnsweringSQLite: AnsweringDatabase {
    private let file: URL

    /// Names the file; it is opened for each question.
    public init(_ file: URL) { self.file = file }

    /// Asks; another program's lock is waited for as long as the timeout allows.
    public func ask(_ sql: String, timeout: Duration) async throws -> String? {
        let file = file
        return try await SerialWorker(label: "ask", ()).run { _ in
            do {
                let connection = try SQLiteConnection(
                    uri: SQLiteConnection.uri(file.path, mode: "ro"),
                    busyTimeout: timeout
                )
                var deadline = ContinuousClock.now + timeout
                // The deadline lives on this stack frame, longer than the handler, which is taken off before the frame is left.
                return try withUnsafeMutablePointer(to: &deadline) { deadline in
                    sqlite3_progress_handler(
                        connection.handle,
                        50_000,
                        { pointer in
                            let deadline = pointer?.assumingMemoryBound(to: ContinuousClock.Instant.self).pointee
                            return deadline.map { $0 < .now } == true ? 1 : 0
                        },
                        deadline
                    )
                    defer { sqlite3_progress_handler(connection.handle, 0, nil, nil) }
                    let statement = try connection.prepare(sql)
                    return try statement.step() ? statement.text(0) : nil
                }
            } catch let failure as SQLiteFailure {
                throw QuestionFailed(
                    description: failure.primaryCode == SQLITE_INTERRUPT ? "no answer in \(timeout)" : failure.message
                )
            }
        }
    }
}

/// A PostgreSQL database that is asked over a session which stays open.
public struct AnsweringPostgreSQL: AnsweringDatabase {
    private struct Session {
        var connection: PostgreSQLConnection?
    }

    private let server: PostgreSQLServer
    private let worker = SerialWorker(label: "ask", Session())

    /// Names the server; it is connected to with the first question.
    public init(_ server: PostgreSQLServer) { self.server = server }

    /// Asks in a transaction that can only read; a session that broke is opened again by the next question.
    public func ask(_ sql: String, timeout: Duration) async throws -> String? {
        let server = server
        return try await worker.run { session in
            do {
                let connection = try session.connection ?? PostgreSQLConnection(server)
                session.connection = connection
                let limit = max(1, timeout / .milliseconds(1))
                try connection.execute(
                    "SET default_transaction_read_only = on; SET statement_timeout = \(Int(limit))"
                )
                let rows = try connection.execute(sql, [])
                return rows.count > 0 ? rows[0, 0] : nil
            } catch let failure as PostgreSQLFailure {
                if session.connection?.isAlive != true { session.connection = nil }
                throw QuestionFailed(description: failure.text)
            }
        }
    }
}
