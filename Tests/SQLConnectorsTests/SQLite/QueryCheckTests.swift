import Foundation
import TestSupport
import Testing

@testable import SQLConnectors

@Suite("A query is checked before it runs, and the error says what is wrong, where, and what to do")
struct QueryCheckTests {
    private static let creation = """
        CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT, born);
        INSERT INTO customer VALUES (1, 'Ada', 1815);
        """

    struct Refusal: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var sql: String
        var key = "id"
        var parameters: [String: Value] = [:]
        var parts: [String]

        init(
            _ description: String,
            _ sql: String,
            key: String = "id",
            parameters: [String: Value] = [:],
            says parts: String...
        ) {
            testDescription = description
            self.sql = sql
            self.key = key
            self.parameters = parameters
            self.parts = parts
        }
    }

    private static let refusals: [Refusal] = [
        Refusal("no statement", " -- nothing\n", says: "holds no statement"),
        Refusal("two statements", "SELECT id FROM customer; SELECT 1", says: "more than one statement"),
        Refusal("rubbish behind it", "SELECT id FROM customer; rubbish", says: "more than one statement"),
        Refusal("a write", "DELETE FROM customer", says: "does not just read"),
        Refusal("a write that gives rows", "DELETE FROM customer RETURNING id", says: "does not just read"),
        Refusal(
            "a write in front of it",
            "INSERT INTO customer VALUES (2, 'B', 1); SELECT 1",
            says: "more than one statement"
        ),
        Refusal("ATTACH", "ATTACH 'other.sqlite' AS other", says: "does not just read"),
        Refusal("PRAGMA that writes", "PRAGMA user_version = 7", says: "does not just read"),
        Refusal("PRAGMA that reads", "PRAGMA table_info(customer)", key: "name", says: "does not just read"),
        Refusal("EXPLAIN", "EXPLAIN QUERY PLAN SELECT * FROM customer", says: "does not just read"),
        Refusal("BEGIN", "BEGIN", says: "does not just read"),
        Refusal(
            "a syntax error",
            "SELECT id,\n  name FRM customer c",
            says: "q.sql:2:12: query q",
            "near \"customer\": syntax error"
        ),
        Refusal(
            "an unknown column",
            "SELECT id,\n\n      nmae FROM customer",
            says: "q.sql:3:7",
            "no such column: nmae"
        ),
        Refusal(
            "a line end of Windows before the error",
            "SELECT id,\r\n\r\n  nmae FROM customer",
            says: "q.sql:3:3"
        ),
        Refusal("an unknown table", "SELECT id FROM custmer", says: "q.sql", "no such table: custmer"),
        Refusal(
            "a parameter not given",
            "SELECT id FROM customer WHERE born > :since",
            says: ":since",
            "parameters: {since: …}"
        ),
        Refusal(
            "a parameter not used",
            "SELECT id FROM customer",
            parameters: ["since": .integer(1)],
            says: "does not use its parameter since"
        ),
        Refusal("a parameter without a name", "SELECT id FROM customer WHERE born > ?", says: "without a name"),
        Refusal(
            "columns of one name",
            "SELECT id, name, born AS NAME FROM customer",
            says: "two columns named NAME",
            "AS"
        ),
        Refusal("the ordinal's column", "SELECT id, 1 AS _Ordinal FROM customer", says: "_ordinal", "AS"),
        Refusal("no key column", "SELECT id, name FROM customer", key: "number", says: "no column number", "id, name"),
    ]

    @Test("Refused", arguments: refusals)
    func refused(_ refusal: Refusal) async throws {
        let folder = try ScratchFolder()
        let source = try folder.database("source.sqlite", Self.creation)
        let query = SourceQuery(
            name: "q",
            sql: refusal.sql,
            origin: "q.sql",
            key: refusal.key,
            parameters: refusal.parameters
        )
        let text = await message { _ = try await SQLiteSource(source).check(query) }
        #expect(text.hasPrefix("SourceError: q.sql"))
        for part in refusal.parts { #expect(text.contains(part)) }
        // Staging refuses the same, and leaves nothing.
        let staging = await message {
            _ = try await SQLiteSource(source).stage(query, as: "result.sqlite", in: folder.url)
        }
        #expect(staging == text)
        #expect(try folder.names == ["source.sqlite"])
        #expect(try rows("SELECT count(*) FROM customer", in: source) == ["1"])
    }

    @Test(
        "Taken",
        arguments: [
            "SELECT id FROM customer", "SELECT id FROM customer;",
            "-- first\nSELECT id FROM customer; -- last\n/* done */ ;\n",
            "SELECT id FROM customer -- semicolon in a comment;",
            "WITH c AS (SELECT * FROM customer) SELECT id FROM c ORDER BY id LIMIT 5",
            "SELECT id FROM customer UNION ALL SELECT 7", "SELECT p.cid AS id FROM pragma_table_info('customer') p",
            "SELECT ID AS \"id\" FROM main.customer", "SELECT column1 AS id FROM (VALUES (1), (2))",
        ]
    )
    func taken(sql: String) async throws {
        let folder = try ScratchFolder()
        let source = try folder.database("source.sqlite", Self.creation)
        let query = SourceQuery(name: "q", sql: sql, origin: "q.sql", key: "id")
        let schema = try await SQLiteSource(source).check(query)
        #expect(schema.keyName == "id")
        let staged = try await SQLiteSource(source).stage(query, as: "result.sqlite", in: folder.url)
        #expect(staged.schema == schema)
        #expect(staged.recordCount > 0)
    }

    @Test("The schema has the query's columns, their declared types, and the key whatever its letter case")
    func schema() async throws {
        let folder = try ScratchFolder()
        let source = try folder.database("source.sqlite", Self.creation)
        let query = SourceQuery(
            name: "q",
            sql: "SELECT name, born, id AS Number, born + :more AS later FROM customer",
            origin: "q.sql",
            key: "NUMBER",
            parameters: ["more": .integer(1)]
        )
        let schema = try await SQLiteSource(source).check(query)
        let columns = [
            Column(name: "name", declaredType: "TEXT"), Column(name: "born"),
            Column(name: "Number", declaredType: "INTEGER"), Column(name: "later"),
        ]
        #expect(schema == RecordSchema(columns: columns, keyIndex: 2))
    }
}

@Suite("A source that cannot be read says so, and what to do")
struct SourceOpeningTests {
    private func check(_ source: URL) async -> String {
        let query = SourceQuery(name: "q", sql: "SELECT 1 AS id", origin: "q.sql", key: "id")
        return await message { _ = try await SQLiteSource(source, busyTimeout: .zero).check(query) }
    }

    @Test("A missing file, which stays missing")
    func missing() async throws {
        let folder = try ScratchFolder()
        let text = await check(folder.file("none.sqlite"))
        #expect(text.hasPrefix("SourceError") && text.contains("none.sqlite does not exist. Check `source:`"))
        #expect(try folder.names.isEmpty)
    }

    @Test("A folder")
    func isFolder() async throws {
        let folder = try ScratchFolder()
        let text = await check(folder.url)
        #expect(text.hasPrefix("SourceError") && text.contains("is a folder, not a SQLite database"))
    }

    @Test("A file of something else")
    func isNoDatabase() async throws {
        let folder = try ScratchFolder()
        try Data(repeating: 0x41, count: 8192).write(to: folder.file("text.sqlite"))
        let text = await check(folder.file("text.sqlite"))
        #expect(text.hasPrefix("SourceError") && text.contains("is not a SQLite database"))
    }

    @Test("A database that another program holds: unavailable, so worth another attempt")
    func locked() async throws {
        let folder = try ScratchFolder()
        let source = try folder.database("source.sqlite", "CREATE TABLE t (id)")
        let other = try connect(source)
        try other.execute("BEGIN EXCLUSIVE")
        let text = await check(source)
        #expect(text.hasPrefix("SourceUnavailable") && text.contains("End that program's transaction"))
        try other.execute("ROLLBACK")
        #expect(await check(source) == "nothing was thrown")
    }

    @Test(
        "Blanks and signs of URIs in the path are part of the name",
        arguments: ["a b.sqlite", "50%.sqlite", "what?.sqlite", "#1.sqlite"]
    )
    func awkwardPath(name: String) async throws {
        let folder = try ScratchFolder()
        let source = try folder.database(name, "CREATE TABLE t (id); INSERT INTO t VALUES (1)")
        let staged = try await folder.stage("SELECT id FROM t", from: source)
        #expect(staged.recordCount == 1)
    }
}
