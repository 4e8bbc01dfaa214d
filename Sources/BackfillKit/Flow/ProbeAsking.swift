import Foundation
import NIOCore
import SQLConnectors
import Workflows

/// Asks one probe's question.
struct ProbeAsking: Sendable {
    let probe: ProbeSpec
    private let database: (any AnsweringDatabase)?

    init(_ probe: ProbeSpec, session: String) throws {
        self.probe = probe
        database = try probe.question.database?.openForQuestions(session: session)
    }

    /// The answer; whatever fails is a no that says why.
    func ask() async -> ProbeMachine.Answer {
        do {
            switch probe.question {
            case .http(let url): return await get(url)
            case .sql(let sql, _):
                let value = try await database?.ask(sql.text, timeout: probe.timeout)
                return Self.isYes(value ?? nil) ? .yes : .no("answered \((value ?? nil)?.quoted ?? "nothing")")
            case .replicationLag(let limit, _):
                let lag = try await seconds(Self.replicationLag)
                return lag <= limit.inSeconds
                    ? .yes : .no("a standby is \(Self.text(lag)) behind, more than \(Self.text(limit.inSeconds))")
            case .activeConnections(let limit, _):
                let count = Int(try await seconds(Self.activeConnections))
                return count <= limit
                    ? .yes : .no("\(count) \(count == 1 ? "session is" : "sessions are") active, more than \(limit)")
            case .longTransactions(let limit, _):
                let age = try await seconds(Self.longestTransaction)
                return age <= limit.inSeconds
                    ? .yes : .no("a transaction is open for \(Self.text(age)), more than \(Self.text(limit.inSeconds))")
            }
        } catch {
            return .no("cannot be asked: \(FailureText.line(of: error))")
        }
    }

    /// On a standby its own lag, on a primary that of the slowest standby; none is no lag.
    private static let replicationLag = """
        SELECT CASE WHEN pg_is_in_recovery()
            THEN coalesce(extract(epoch FROM now() - pg_last_xact_replay_timestamp()), 0)
            ELSE coalesce((SELECT max(extract(epoch FROM greatest(write_lag, flush_lag, replay_lag))) FROM pg_stat_replication), 0) END
        """

    /// Our own sessions are no load of others: they are named alike (`backfill <run>`).
    private static let activeConnections = """
        SELECT count(*) FROM pg_stat_activity
        WHERE state = 'active' AND backend_type = 'client backend' AND application_name IS DISTINCT FROM current_setting('application_name')
        """

    private static let longestTransaction = """
        SELECT coalesce(max(extract(epoch FROM now() - xact_start)), 0) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND application_name IS DISTINCT FROM current_setting('application_name')
        """

    private func seconds(_ sql: String) async throws -> Double {
        try await database?.ask(sql, timeout: probe.timeout).flatMap { Double($0) } ?? 0
    }

    private static func text(_ seconds: Double) -> String { String(format: "%.1f s", seconds) }

    private static func isYes(_ value: String?) -> Bool {
        guard let value = value?.trimmingBlanks.lowercased() else { return false }
        if let number = Double(value) { return number != 0 }
        return ["t", "true", "yes", "on"].contains(value)
    }

    private func get(_ url: SecretText) async -> ProbeMachine.Answer {
        guard let address = HTTPAddress(url) else { return .no("\(url) is no URL") }
        // A question every few seconds needs no connection in between.
        let transport = HTTPTransport(timeout: probe.timeout, connections: 1)
        let request = HTTPTransport.Request(address: address, method: "GET", headers: [], body: ByteBuffer())
        let answer: ProbeMachine.Answer
        do {
            let status = try await transport.send(request).status
            answer = (200..<300).contains(status) ? .yes : .no("\(url) answered \(status)")
        } catch {
            let isLate = (error as? HTTPFault)?.isLate == true
            answer = .no(isLate ? "\(url) gave no answer in \(probe.timeout)" : "\(url) cannot be reached")
        }
        await transport.close()
        return answer
    }
}

extension ProbeSpec.Question {
    fileprivate var database: ConnectionString? {
        switch self {
        case .sql(_, let database), .replicationLag(_, let database), .activeConnections(_, let database),
            .longTransactions(_, let database):
            database
        case .http: nil
        }
    }
}

extension ConnectionString {
    /// - Parameter session: names the session that a server shows.
    fileprivate func openForQuestions(session: String) throws -> any AnsweringDatabase {
        switch place {
        case .sqlite(let file): AnsweringSQLite(file)
        case .postgresql(let connection):
            AnsweringPostgreSQL(try PostgreSQLServer(connection.secret, applicationName: session))
        }
    }
}
