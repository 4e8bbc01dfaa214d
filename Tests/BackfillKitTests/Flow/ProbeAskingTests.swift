import Foundation
import GRDB
import TestSupport
import Testing

@testable import BackfillKit

@Suite("A probe's answer is yes or a no that says why; whatever fails is a no", .timeLimit(.minutes(5)))
struct ProbeAskingTests {
    private func ask(_ probe: String) async throws -> ProbeMachine.Answer {
        let spec = try SpecText.parse(SpecText.complete("probes: [\(probe)]"), environment: ["TOKEN": "s3cret"])
        return await (try ProbeAsking(try #require(spec.probes.first), session: "backfill test")).ask()
    }

    // MARK: SQL

    private func sqlite(_ sql: String, more: String = "") async throws -> ProbeMachine.Answer {
        let folder = try ScratchFolder()
        let queue = try DatabaseQueue(path: folder.file("flag.sqlite").path)
        try await queue.write { try $0.execute(sql: "CREATE TABLE flag (calm); INSERT INTO flag VALUES (1), (0)") }
        try queue.close()
        return try await ask("{sql: \"\(sql)\", on: \"sqlite:\(folder.file("flag.sqlite").path)\"\(more)}")
    }

    @Test(
        "A number other than 0 is a yes, and so are words for it",
        arguments: [
            "1", "-1", "0.5", "'2'", "'t'", "'TRUE'", "' yes '", "'on'", "1, 0", "calm FROM flag ORDER BY calm DESC",
        ]
    )
    func yes(value: String) async throws {
        #expect(try await sqlite("SELECT \(value)") == .yes)
    }

    @Test(
        "Everything else is a no, with the answer",
        arguments: [
            ("0", "answered \\\"0\\\""), ("'0.0'", "answered \\\"0.0\\\""), ("'no'", "answered \\\"no\\\""),
            ("''", "answered \\\"\\\""), ("NULL", "answered nothing"), ("1 WHERE 0", "answered nothing"),
            ("calm FROM flag ORDER BY calm", "answered \\\"0\\\""),
        ]
    )
    func no(value: String, answer: String) async throws {
        #expect(try await sqlite("SELECT \(value)") == .no(answer.replacing("\\", with: "")))
    }

    @Test("What cannot be asked says why; nothing is ever changed")
    func failures() async throws {
        let unknown = try await sqlite("SELECT mood")
        #expect(unknown == .no("cannot be asked: no such column: mood"))
        #expect(
            try await sqlite("DELETE FROM flag") == .no("cannot be asked: attempt to write a readonly database")
        )
        let missing = try await ask("{sql: SELECT 1, on: sqlite:/nowhere/flag.sqlite}")
        #expect(missing == .no("cannot be asked: unable to open database file"))
    }

    @Test("An answer that takes too long is a no")
    func timeout() async throws {
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
        let answer = try await sqlite(endless, more: ", timeout: 50ms")
        #expect(answer == .no("cannot be asked: no answer in 0.05 seconds"))
    }

    // MARK: HTTP

    private func http(_ status: Int) async throws -> ProbeMachine.Answer {
        let server = try await WebServer(answering: status)
        let answer = try await ask("{http: \"http://127.0.0.1:\(server.port)/ready?token=${TOKEN}\", timeout: 4m}")
        #expect(server.requests.map(\.line) == ["GET /ready?token=s3cret HTTP/1.1"])
        guard case .no(let reason) = answer else { return answer }
        return .no(reason.replacing(":\(server.port)", with: ""))
    }

    @Test("200 to 299 is a yes, all else a no", arguments: [200, 204, 299, 302, 404, 429, 500, 503])
    func status(status: Int) async throws {
        let expected: ProbeMachine.Answer =
            status < 300 ? .yes : .no("http://127.0.0.1/ready?… answered \(status)")
        #expect(try await http(status) == expected)
    }

    @Test("A server that is not there or keeps silent is a no, and no token is told")
    func unreachable() async throws {
        // Bound and not listening: nobody else can have the port.
        let silent = try SilentPort()
        let refused = try await ask("{http: \"http://127.0.0.1:\(silent.port)/ready?token=${TOKEN}\"}")
        #expect(refused == .no("http://127.0.0.1:\(silent.port)/ready?… cannot be reached"))
        let mute = try await WebServer { _ in .silence }
        let late = try await ask("{http: \"http://127.0.0.1:\(mute.port)/ready?token=${TOKEN}\", timeout: 3s}")
        #expect(late == .no("http://127.0.0.1:\(mute.port)/ready?… gave no answer in 3.0 seconds"))
    }

    // MARK: PostgreSQL

    private func postgresql(_ probe: String) async throws -> ProbeMachine.Answer {
        try await ask("{\(probe), on: \"\(TestPostgreSQL.url ?? "")\"}")
    }

    @Test("PostgreSQL answers too, reads only, and is not waited for", .enabled(if: TestPostgreSQL.isThere))
    func server() async throws {
        #expect(try await postgresql("sql: SELECT true") == .yes)
        #expect(try await postgresql("sql: SELECT false") == .no("answered \"f\""))
        #expect(try await postgresql("sql: SELECT NULL") == .no("answered nothing"))
        let written = try await postgresql("sql: CREATE TABLE probe_must_not_write (n int)")
        #expect(written == .no("cannot be asked: cannot execute CREATE TABLE in a read-only transaction"))
        let slow = try await postgresql("sql: SELECT pg_sleep(600), timeout: 100ms")
        #expect(slow == .no("cannot be asked: canceling statement due to statement timeout"))
    }

    @Test(
        "A server without a standby has no lag; limits that nothing reaches say yes",
        .enabled(if: TestPostgreSQL.isThere)
    )
    func calm() async throws {
        #expect(try await postgresql("replication-lag: 1ms") == .yes)
        #expect(try await postgresql("active-connections: 1000000") == .yes)
        #expect(try await postgresql("long-transactions: 7d") == .yes)
    }
}

/// A loopback port that is taken and takes no connection.
private final class SilentPort: Sendable {
    private let handle: Int32
    let port: UInt16

    init() throws {
        let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.handle = handle
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        // The socket calls take the general address type, which every particular one begins like.
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(handle, address, length) | getsockname(handle, address, &length)
            }
        }
        guard status == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(handle) }
}
