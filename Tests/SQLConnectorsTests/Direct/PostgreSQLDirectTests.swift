import Foundation
import TestSupport
import Testing

@testable import SQLConnectors

@Suite(
    "A PostgreSQL source is read by ranges of keys, in its own order, whole and without a copy",
    .enabled(if: TestPostgreSQL.isThere)
)
struct PostgreSQLDirectTests {
    @Test(
        "Keys of every type: the parts are even and hold everything once, also when reading is given up and begun again",
        arguments: [
            ("smallint", "(n - 60)::smallint"), ("integer", "n * 1000003 % 65521"),
            ("bigint", "9007199254740993 + n * 7"),
            ("oid", "(4294967295 - n)::oid"), ("numeric", "(n * 1.5)::numeric(30,10) - 40"),
            ("real", "(n / 7.0)::real"),
            ("double precision", "1e-300 * n"), ("text", "md5(n::text)"),
            ("text COLLATE \"C\"", "chr(64 + n) || E'\\\\\\'' || n"),
            ("text COLLATE \"und-x-icu\"", "CASE n % 2 WHEN 0 THEN upper(md5(n::text)) ELSE 'ä' || n END"),
            ("varchar(40)", "md5(n::text)"), ("char(40)", "md5(n::text)"), ("name", "('n' || n)::name"),
            ("uuid", "md5(n::text)::uuid"), ("date", "date '2024-02-28' + n - 50"),
            ("timestamp", "timestamp '1999-12-31 23:59:59.999999' + n * interval '1 microsecond'"),
            ("timestamptz", "timestamptz '2024-10-27 00:30:00+00' + n * interval '1 minute'"),
            ("bytea", "decode(md5(n::text), 'hex')"),
        ]
    )
    func keys(type: String, value: String) async throws {
        var random = SplitMix64(seed: 11)
        let schema = try PostgreSQLSchema(
            """
            CREATE TABLE t (name text, id \(type) UNIQUE);
            INSERT INTO t SELECT 'n', \(value) FROM generate_series(1, 119) n;
            """
        )
        try await ReadingDirectly.expectAll(
            schema.source,
            schema.query("SELECT name, id FROM t WHERE name = :name; -- all", ["name": .text("n")]),
            ordered: "SELECT name, id FROM t WHERE name = :name ORDER BY id",
            in: ScratchFolder(),
            using: &random
        )
    }

    @Test("Values of every type come as they are staged")
    func values() async throws {
        var random = SplitMix64(seed: 3)
        let schema = try EveryType.table(rows: 200, seed: 5, isFinite: false)
        try await ReadingDirectly.expectAll(
            schema.source,
            schema.query("SELECT * FROM everything"),
            ordered: "SELECT * FROM everything ORDER BY id",
            in: ScratchFolder(),
            using: &random
        )
    }

    @Test("The edges of a key's type are keys too")
    func edges() async throws {
        var random = SplitMix64(seed: 4)
        let schema = try PostgreSQLSchema(
            """
            CREATE TABLE r (id double precision); INSERT INTO r VALUES ('NaN'), ('-Infinity'), ('Infinity'), (0.1), (5e-324), (-1);
            CREATE TABLE n (id numeric); INSERT INTO n VALUES ('NaN'), ('-Infinity'), ('Infinity'), (1e-300), (12345678901234567890.5);
            CREATE TABLE d (id date); INSERT INTO d VALUES ('infinity'), ('-infinity'), ('0044-03-15 BC'), ('2024-02-29');
            CREATE TABLE b (id boolean); INSERT INTO b VALUES (true), (false);
            """
        )
        for table in ["r", "n", "d", "b"] {
            try await ReadingDirectly.expectAll(
                schema.source,
                schema.query("SELECT id FROM \(table)"),
                ordered: "SELECT id FROM \(table) ORDER BY id",
                in: ScratchFolder(),
                using: &random
            )
        }
    }

    @Test("A NULL key, one that occurs twice, and a type without an order that could be read by are named")
    func badKeys() async throws {
        let schema = try PostgreSQLSchema()
        let source = try schema.source
        func failure(_ sql: String) async -> String {
            await SQLConnectorsTests.message(of: {
                _ = try await source.cut(schema.query(sql), into: { Int($0) }, progress: { _ in })
            })
        }
        let missing = await failure("SELECT nullif(n, 3) AS id FROM generate_series(1, 5) n")
        #expect(missing.contains("SourceError: q.sql: query q: the key column id is NULL in a record"))
        #expect(
            await failure("SELECT n % 4 AS id FROM generate_series(1, 6) n").contains("the key 1 occurs more than once")
        )
        for (sql, type) in [("'{}'::jsonb", "jsonb"), ("'(1,2)'::point", "point"), ("interval '1 day'", "interval")] {
            let text = await failure("SELECT \(sql) AS id")
            #expect(
                text.contains("a key cannot be of the type \(type)") && text.contains("cast it in the SQL"),
                "\(text)"
            )
        }
    }

    @Test(
        "The cut and all readings of one source see the same instant; when the session that holds it ends, a new one begins"
    )
    func instant() async throws {
        let schema = try PostgreSQLSchema("CREATE TABLE t AS SELECT n AS id FROM generate_series(1, 10) n")
        let (source, query) = (try schema.source, schema.query("SELECT id FROM t"))
        func read() async throws -> Int {
            try await source.read(query, KeyRange()).next(from: 1, limit: BatchLimit(records: 100, bytes: .max)).count
        }
        let cut = try await source.cut(query, into: { _ in 2 }, progress: { _ in })
        try schema.execute("DELETE FROM t WHERE id > 5")
        #expect(try await read() == 10)
        #expect(cut.recordCount == 10 && cut.starts.map(\.description) == ["6"])
        #expect(try await schema.source.cut(query, into: { _ in 2 }, progress: { _ in }).recordCount == 5)
        try schema.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(schema.name)'"
        )
        #expect(try await read() == 5)
    }

    @Test("An index that has the order is used, also for keys in no order on the disk; where none has it, plan says so")
    func sorting() async throws {
        let schema = try PostgreSQLSchema(
            """
            CREATE TABLE t AS SELECT md5(n::text) AS id, n, repeat('x', 100) AS pad FROM generate_series(1, 20000) n;
            CREATE UNIQUE INDEX ON t (id); ANALYZE t;
            """
        )
        let source = try schema.source
        let key = try #require(RecordKey(.text("5")))
        #expect(try await source.remarks(on: schema.query("SELECT id, pad FROM t ORDER BY id"), around: key).isEmpty)
        let remarks = try await source.remarks(on: schema.query("SELECT id || '' AS id, pad FROM t"), around: key)
        #expect(remarks.count == 1 && remarks[0].contains("no index gives them in the order of id"))
    }

    @Test("A batch ends at its bytes, and a wider record comes alone")
    func bytes() async throws {
        let schema = try PostgreSQLSchema(
            "CREATE TABLE t (id int, v text); INSERT INTO t VALUES (1, 'ab'), (2, repeat('x', 100)), (3, 'c'), (4, 'd'), (5, NULL)"
        )
        let reading = try schema.source.read(schema.query("SELECT id, v FROM t"), KeyRange())
        var sizes: [Int] = []
        while true {
            let batch = try await reading.next(from: 1, limit: BatchLimit(records: 10, bytes: 25))
            if batch.count == 0 { break }
            sizes.append(batch.count)
        }
        #expect(sizes == [1, 1, 2, 1])
    }
}
