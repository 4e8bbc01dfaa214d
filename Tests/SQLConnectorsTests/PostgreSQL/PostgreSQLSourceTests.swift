import Foundation
import TestSupport
import Testing

@testable import SQLConnectors

@Suite("A PostgreSQL source is read in one instant, or says what is wrong", .enabled(if: TestPostgreSQL.isThere))
struct PostgreSQLSourceTests {
    @Test("Rows come in the query's order, with ordinals, their key and the source's types")
    func rows() async throws {
        let schema = try PostgreSQLSchema(
            "CREATE TABLE t AS SELECT n AS id, 'name ' || n AS name FROM generate_series(1, 5000) n"
        )
        let records = try await schema.staged("SELECT id, name FROM t ORDER BY id DESC; -- all", in: ScratchFolder())
        #expect(records.count == 5000)
        #expect(records.schema.columns.map(\.declaredType) == ["integer", "text"])
        #expect(records.schema.dialect == .postgresql)
        #expect(records[0, 0] == .integer(5000) && records.key(at: 4999) == "1" && records[4999, 1] == .text("name 1"))
    }

    @Test("No rows are a result without records")
    func noRows() async throws {
        let schema = try PostgreSQLSchema()
        let records = try await schema.staged("SELECT 1 AS id WHERE false", in: ScratchFolder())
        #expect(records.count == 0)
    }

    @Test("A parameter has the type of where it stands, and its value is never part of a statement's text")
    func parameters() async throws {
        let schema = try PostgreSQLSchema(
            "CREATE TABLE t AS SELECT n AS id, date '2024-01-01' + n AS day, 'o''clock; \\' || n AS name FROM generate_series(1, 9) n"
        )
        let values: [String: Value] = [
            "since": .text("2024-01-05"), "name": .text("o'clock; \\7"), "limit": .integer(8), "none": .null,
        ]
        let records = try await schema.staged(
            "SELECT id, :none::int AS missing FROM t WHERE day > :since AND (name = :name OR id = :limit) ORDER BY id",
            values,
            in: ScratchFolder()
        )
        #expect((0..<records.count).map { records[$0, 0] } == [.integer(7), .integer(8)])
        #expect(records[0, 1] == .null)
        let seen = try schema.rows(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = '\(schema.name)' AND query LIKE '%o''clock%'"
        )
        #expect(seen == ["0"])
    }

    @Test(
        "What is wrong with a query",
        arguments: [
            ("SELECT id,\n  nme FROM t", "q.sql:2:3: query q: column \"nme\" does not exist"),
            ("SELECT id FROM t WHERE id = :x AND nme = 1", "q.sql:1:36: query q: column \"nme\" does not exist"),
            ("SELECT id FROM t; SELECT 2", "more than one statement"),
            ("", "holds no statement"),
            ("UPDATE t SET id = 1 RETURNING id", "does not just read"),
            ("WITH gone AS (DELETE FROM t RETURNING id) SELECT id FROM gone", "does not just read"),
            ("SHOW server_version", "does not just read"),
            ("SELECT id, id FROM t", "two columns named id"),
            ("SELECT id, 1 AS _ordinal FROM t", "_ordinal"),
            ("SELECT 1 AS other FROM t", "has no column id"),
            ("SELECT id FROM t WHERE id = $1", "a parameter without a name ($1)"),
            ("SELECT id FROM t WHERE id = :y", "uses :y, which its parameters do not give"),
            ("SELECT id FROM t WHERE name = 'a", "string that nothing ends"),
        ]
    )
    func problems(_ sql: String, _ part: String) async throws {
        let schema = try PostgreSQLSchema("CREATE TABLE t (id int, name text)")
        let parameters: [String: Value] = sql.contains(":x") ? ["x": .integer(1)] : [:]
        let query = schema.query(sql, parameters)
        let text = await message { _ = try await schema.source.check(query) }
        #expect(text.hasPrefix("SourceError: ") && text.contains(part))
    }

    @Test("A NULL key is named with its record, and nothing is left")
    func missingKey() async throws {
        let schema = try PostgreSQLSchema(
            "CREATE TABLE t AS SELECT nullif(n, 700) AS id FROM generate_series(1, 1000) n"
        )
        let folder = try ScratchFolder()
        let query = schema.query("SELECT id FROM t ORDER BY coalesce(id, 700)")
        let text = await message { _ = try await schema.source.stage(query, as: "r.sqlite", in: folder.url) }
        #expect(text.contains("the key column id is NULL in record 700"))
        #expect(try folder.names == [])
    }

    @Test("A row that the server cannot compute fails the query with the server's words, and nothing is left")
    func failingRow() async throws {
        let schema = try PostgreSQLSchema()
        let folder = try ScratchFolder()
        let query = schema.query("SELECT 100 / (n - 4000) AS id FROM generate_series(1, 5000) n")
        let text = await message { _ = try await schema.source.stage(query, as: "r.sqlite", in: folder.url) }
        #expect(text == "SourceError: q.sql: query q: division by zero.")
        #expect(try folder.names == [])
    }

    @Test("Queries staged together see the same instant, whatever is written in between")
    func together() async throws {
        let schema = try PostgreSQLSchema("CREATE TABLE t AS SELECT n AS id FROM generate_series(1, 100) n")
        let folder = try ScratchFolder()
        let queries = (1...3).map { (schema.query("SELECT id FROM t ORDER BY id"), "\($0).sqlite") }
        let writer = try schema.connect()
        // What is told of the first query's progress comes before the second one begins; the table is empty from then on.
        let slow = schema.query("SELECT id, pg_sleep(0.01)::text AS pause FROM t ORDER BY id")
        let emptied = Emptied(writer)
        let results = try await schema.source.stageTogether([(slow, "0.sqlite")] + queries, in: folder.url) { _, _ in
            emptied.empty()
        }
        #expect(emptied.isDone)
        #expect(results.map(\.recordCount) == [100, 100, 100, 100])
        #expect(try schema.rows("SELECT count(*) FROM t") == ["0"])
    }

    /// Deletes all rows once, on whatever thread asks first.
    private final class Emptied: @unchecked Sendable {
        // The lock guards the connection, which is used under it only.
        private let lock = NSLock()
        private let connection: PostgreSQLConnection
        private var done = false

        init(_ connection: PostgreSQLConnection) { self.connection = connection }

        var isDone: Bool { lock.withLock { done } }

        func empty() {
            lock.withLock {
                guard !done else { return }
                done = (try? connection.execute("DELETE FROM t")) != nil
            }
        }
    }

    @Test("Cancelling ends the server's query at once")
    func cancelling() async throws {
        let schema = try PostgreSQLSchema()
        let folder = try ScratchFolder()
        let query = schema.query("SELECT 1 AS id, pg_sleep(3600)::text AS pause")
        let source = try schema.source
        let staging = Task { try await source.stage(query, as: "r.sqlite", in: folder.url) }
        let running =
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = '\(schema.name)' AND state = 'active'"
        while try schema.rows(running) == ["0"] { await Task.yield() }
        staging.cancel()
        await #expect(throws: CancellationError.self) { _ = try await staging.value }
        while try schema.rows(running) != ["0"] { await Task.yield() }
        #expect(try folder.names == [])
    }

    @Test("A server that is not there is unavailable, and its text holds no password")
    func noServer() async throws {
        let server = try PostgreSQLServer("postgresql://me:s3cret@127.0.0.1:1/db?connect_timeout=2")
        let source = PostgreSQLSource(server, name: "postgresql://me:***@127.0.0.1:1/db")
        let query = SourceQuery(name: "q", sql: "SELECT 1 AS id", origin: "q.sql", key: "id")
        let text = await message { _ = try await source.check(query) }
        #expect(
            text.hasPrefix("SourceUnavailable: The source postgresql://me:***@127.0.0.1:1/db cannot be read just now")
        )
        #expect(!text.contains("s3cret"))
        #expect(throws: SourceError.self) { try PostgreSQLServer("postgresql://[s3cret") }
    }

    @Test(
        "A password that would be cut at a bare @ or / is refused before libpq can complain about its other half",
        arguments: [
            "postgresql://me:s3@cret@host/db", "postgresql://me:s3/cret@host/db",
            "postgresql://me:s3:cret/x@host:5432/db",
        ]
    )
    func cutPasswords(_ connection: String) async {
        let text = await message { _ = try PostgreSQLServer(connection) }
        #expect(text.hasPrefix("SourceError: libpq does not understand the connection string"))
        #expect(!text.contains("s3") && !text.contains("cret"))
    }

    @Test(
        "What is written as libpq has it is taken",
        arguments: [
            "", "host=/tmp user=me", "postgresql://", "postgresql://host/db?options=-csearch_path%3Da",
            "postgresql://me:s%40c%2Fr@host:5432,other:5433/db",
            "postgresql://me@%2Ftmp%2Fx/db?application_name=a@b",
        ]
    )
    func taken(_ connection: String) throws { _ = try PostgreSQLServer(connection) }

    @Test(
        "Text comes as UTF-8 from a database of another encoding; bytes that are no text are an error, not another text"
    )
    func encodings() async throws {
        let schema = try PostgreSQLSchema()
        let folder = try ScratchFolder()
        func stage(from encoding: String) async throws -> Value {
            let database = "\(schema.name)_\(encoding.lowercased())"
            try schema.execute("CREATE DATABASE \(database) ENCODING '\(encoding)' LOCALE 'C' TEMPLATE template0")
            defer { _ = try? schema.execute("DROP DATABASE \(database) WITH (FORCE)") }
            let server = try PostgreSQLServer(schema.url.replacing("/backfill?", with: "/\(database)?"))
            let sql = "SELECT 1 AS id, convert_from('\\x5a6feb20bc', '\(encoding)') AS name"
            let result = try await PostgreSQLSource(server, name: database)
                .stage(schema.query(sql), as: "\(encoding).sqlite", in: folder.url)
            return try await StagedReader(result.location(in: folder.url), schema: result.schema)
                .read(from: 1, to: 2, limit: BatchLimit(records: 1, bytes: 100))[0, 1]
        }
        #expect(try await stage(from: "LATIN1") == .text("Zoë ¼"))
        let text = await message { _ = try await stage(from: "SQL_ASCII") }
        #expect(text.hasPrefix("SourceError: q.sql: query q: invalid byte sequence for encoding"))
    }
}
