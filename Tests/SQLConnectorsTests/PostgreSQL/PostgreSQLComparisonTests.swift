import Foundation
import TestSupport
import Testing

@testable import SQLConnectors

@Suite(
    "A PostgreSQL table is compared with what writing the records leaves there",
    .enabled(if: TestPostgreSQL.isThere)
)
struct PostgreSQLComparisonTests {
    private static let upsert = TableTarget.Mode.upsert(unlessNewer: nil)

    private func records(_ rows: [[Value]], _ names: String...) -> RecordBatch {
        Sample.batch(RecordSchema(columns: names.map { Column(name: $0) }, keyIndex: 0), rows)
    }

    /// The tests' sessions wait for each other where tables are made.
    private func table(
        in schema: PostgreSQLSchema,
        _ name: String = "t",
        _ mode: TableTarget.Mode = .append,
        create: Bool = false,
        key: String? = nil
    ) throws -> PostgreSQLTable {
        try schema.table(name, mode, create: create, key: key, patience: .seconds(60))
    }

    private func write(_ records: RecordBatch, to table: PostgreSQLTable) async throws {
        try await table.prepare(records.schema)
        #expect(try await table.write(records, for: .first).isWritten)
    }

    @Test(
        "Every type: what was written does not differ, and of what is changed, taken away, added and doubled just that is told",
        arguments: [TableTarget.Mode.append, upsert]
    )
    func everyType(_ mode: TableTarget.Mode) async throws {
        let schema = try EveryType.table(rows: 600, seed: 11, isFinite: false)
        try schema.execute("CREATE TABLE copied (LIKE everything\(mode == .append ? "" : " INCLUDING ALL"))")
        let records = try await schema.staged("SELECT * FROM everything ORDER BY id", in: ScratchFolder())
        let table = try table(in: schema, "copied", mode)
        try await write(records, to: table)
        #expect(try await table.differences(records) == [])

        // One row for each column: it gets another row's value in that column, NULL among them.
        var expected: [String] = []
        for (index, column) in EveryType.columns.enumerated() {
            let id = 10 * (index + 1)
            let changed = try schema.execute(
                """
                UPDATE copied t SET c\(index) = e.c\(index) FROM everything e WHERE t.id = \(id) AND e.id = (
                    SELECT min(o.id) FROM everything o WHERE o.id > 400 AND o.c\(index)::text COLLATE "C" IS DISTINCT FROM t.c\(index)::text COLLATE "C")
                """
            ).changes
            if changed == 1 { expected.append("\(id): changed c\(index)") } else { #expect(column.type == "macaddr") }
        }
        try schema.execute("DELETE FROM copied WHERE id = 555")
        expected.append("555: missing")
        try schema.execute("INSERT INTO copied (id) VALUES (1000), (-5)")
        if mode == .append {
            try schema.execute("INSERT INTO copied SELECT * FROM copied WHERE id = 556")
            expected.append("556: 2 rows")
        }
        let comparison = try await table.compare(schema: records.schema)
        var told: [String] = []
        for start in stride(from: 0, to: 600, by: 250) {
            told += try await comparison.compare(records.slice(start..<min(600, start + 250))).map(\.text)
        }
        #expect(told == expected)
        let others = try await comparison.others(limit: 1)
        #expect(others.count == 2 && others.keys == ["-5"])
    }

    @Test(
        "Keys of every kind find their rows",
        arguments: [
            ("bigint", "7"), ("uuid", "6f1e1c3e-0000-4000-8000-00000000000a"), ("numeric(10,2)", "1.50"),
            ("text", "Ä b"),
            ("bytea", "\\x00ff"), ("char(4)", "ab"), ("date", "2024-02-29"), ("json", "{\"a\":1}"), ("point", "(1,2)"),
            ("timestamptz", "2024-02-29 10:00:00+02"), ("boolean", "t"), ("integer[]", "{1,2}"),
            ("double precision", "0.1"),
        ]
    )
    func keys(_ type: String, _ literal: String) async throws {
        let schema = try PostgreSQLSchema(
            "CREATE TABLE s (id \(type), name text); INSERT INTO s VALUES ('\(literal)', 'n'); CREATE TABLE t (LIKE s);"
        )
        let batch = try await schema.staged("SELECT * FROM s", in: ScratchFolder())
        let table = try table(in: schema)
        try await write(batch, to: table)
        let comparison = try await table.compare(schema: batch.schema)
        #expect(try await comparison.compare(batch) == [])
        #expect(try await comparison.others(limit: 9).count == 0)
        try schema.execute("UPDATE t SET name = 'other'")
        #expect(try await comparison.compare(batch).map(\.kind) == [.changed(columns: ["name"])])
        try schema.execute("DELETE FROM t")
        #expect(try await comparison.compare(batch).map(\.kind) == [.missing])
        // The key of a row that nobody handed in reads as a record id does.
        try schema.execute("INSERT INTO t SELECT * FROM s")
        let fresh = try await table.compare(schema: batch.schema)
        let others = try await fresh.others(limit: 9)
        #expect(others.count == 1)
        if type != "boolean" { #expect(others.keys == [batch.key(at: 0)]) }
    }

    @Test("Values that a type calls equal differ all the same; NULL equals NULL only")
    func exactness() async throws {
        let schema = try PostgreSQLSchema(
            """
            CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
            CREATE TABLE t (id bigint PRIMARY KEY, n numeric, f float8, i interval, c text COLLATE nocase, b text);
            """
        )
        let batch = records(
            [
                [.integer(1), .text("1.50"), .real(-0.0), .text("PT24H"), .text("a"), .null],
                [.integer(2), .null, .null, .null, .null, .text("")],
            ],
            "id",
            "n",
            "f",
            "i",
            "c",
            "b"
        )
        let table = try table(in: schema, "t", Self.upsert)
        try await write(batch, to: table)
        #expect(try await table.differences(batch) == [])
        try schema.execute("UPDATE t SET n = 1.5, f = 0, i = '1 day', c = 'A', b = '' WHERE id = 1")
        try schema.execute("UPDATE t SET n = 'NaN', b = NULL WHERE id = 2")
        #expect(try await table.differences(batch) == ["1: changed n, f, i, c, b", "2: changed n, b"])
    }

    @Test(
        "A row that live traffic has since renewed is none, with unless-newer; columns that no record fills do not count"
    )
    func unlessNewer() async throws {
        let schema = try PostgreSQLSchema(
            "CREATE TABLE t (id bigint PRIMARY KEY, name text, at int, kept text DEFAULT 'k')"
        )
        let batch = records(
            (1...6).map { [.integer($0), .text("n"), $0 == 5 ? .null : .integer(10)] },
            "id",
            "name",
            "at"
        )
        let table = try table(in: schema, "t", .upsert(unlessNewer: "at"))
        try await write(batch, to: table)
        try schema.execute(
            """
            UPDATE t SET kept = 'changed'; UPDATE t SET name = 'live', at = 11 WHERE id = 1;
            UPDATE t SET name = 'live', at = 9 WHERE id = 2; UPDATE t SET name = 'live', at = NULL WHERE id = 3;
            UPDATE t SET name = 'live' WHERE id = 4; UPDATE t SET name = 'live', at = 1 WHERE id = 5;
            """
        )
        #expect(
            try await table.differences(batch) == ["2: changed name, at", "3: changed name, at", "4: changed name"]
        )
        // Writing them once more leaves nothing to tell: both go by the same rule.
        #expect(try await table.write(batch, for: LedgerKey(run: "again", bucket: "1")).isWritten)
        #expect(try await table.differences(batch) == [])
    }

    @Test("The sink's key may be another column than the record's; names may need quotes and have a schema")
    func names() async throws {
        let schema = try PostgreSQLSchema(
            "CREATE TABLE \"Odd \"\"T.able\" (\"Id\" bigint, \"the \"\"key\" text PRIMARY KEY, _position int, _twins int)"
        )
        let batch = records(
            (1...3).map { [.integer($0), .text("k\($0)"), .integer($0), .null] },
            "id",
            "THE \"KEY",
            "_position",
            "_twins"
        )
        let table = try table(in: schema, "\(schema.name).\"Odd \"\"T.able\"", Self.upsert, key: "THE \"KEY")
        try await write(batch, to: table)
        #expect(try await table.differences(batch) == [])
        try schema.execute("UPDATE \"Odd \"\"T.able\" SET \"Id\" = 9, _position = 0 WHERE \"the \"\"key\" = 'k2'")
        try schema.execute("INSERT INTO \"Odd \"\"T.able\" VALUES (2, 'another')")
        let comparison = try await table.compare(schema: batch.schema)
        #expect(try await comparison.compare(batch).map(\.text) == ["2: changed id, _position"])
        #expect(try await comparison.others(limit: 5).keys == ["another"])
    }

    @Test("Appended records with the same key need a row each")
    func twins() async throws {
        let schema = try PostgreSQLSchema("CREATE TABLE t (id bigint, name text)")
        let batch = records(
            [
                [.integer(1), .text("a")], [.integer(1), .text("a")], [.integer(1), .text("b")],
                [.integer(2), .text("c")],
            ],
            "id",
            "name"
        )
        let table = try table(in: schema)
        try await write(batch, to: table)
        #expect(try await table.differences(batch) == [])
        try schema.execute("DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t WHERE name = 'a')")
        #expect(try await table.differences(batch).map { $0 } == ["1: missing"])
        try schema.execute("INSERT INTO t VALUES (1, 'x')")
        #expect(try await table.differences(batch) == ["1: changed name"])
        try schema.execute("INSERT INTO t VALUES (1, 'a')")
        #expect(try await table.differences(batch) == ["1: 4 rows", "1: 4 rows", "1: 4 rows"])
    }

    @Test("Of upserted records with the same key the one that decides is compared")
    func lastTwin() async throws {
        let schema = try PostgreSQLSchema("CREATE TABLE t (id bigint PRIMARY KEY, name text, at int)")
        let batch = records(
            [
                [.integer(1), .text("old"), .integer(5)], [.integer(1), .text("new"), .integer(5)],
                [.integer(1), .text("undated"), .null],
            ],
            "id",
            "name",
            "at"
        )
        for mode in [Self.upsert, .upsert(unlessNewer: "at")] {
            let table = try table(in: schema, "t", mode)
            try await table.prepare(batch.schema)
            #expect(try await table.write(batch, for: LedgerKey(run: "\(mode)", bucket: "1")).isWritten)
            #expect(try await table.differences(batch) == [])
            try schema.execute("UPDATE t SET name = 'other', at = 1")
            let ordinals = try await table.compare(schema: batch.schema).compare(batch).map(\.ordinal)
            #expect(ordinals == [mode == Self.upsert ? 3 : 2])
            try schema.execute("TRUNCATE t")
        }
    }

    @Test("A record that the table could never hold is named, and the others are compared")
    func unfit() async throws {
        let schema = try PostgreSQLSchema(
            """
            CREATE DOMAIN positive AS int CHECK (VALUE > 0);
            CREATE TABLE t (id int PRIMARY KEY, name varchar(5), n numeric(6,2), p positive);
            INSERT INTO t SELECT n, 'n', 1, 1 FROM generate_series(1, 100) n WHERE n <> 50;
            """
        )
        let batch = records(
            (1...100).map { (id: Int64) -> [Value] in
                switch id {
                case 10: [.integer(10), .text("too long"), .integer(1), .integer(1)]
                case 20: [.integer(20), .text("n"), .text("1.005"), .integer(1)]
                case 30: [.text("thirty"), .text("n"), .integer(1), .integer(1)]
                case 40: [.integer(40), .text("n"), .integer(1), .integer(-1)]
                case 50: [.integer(50), .text("too long"), .integer(1), .integer(1)]
                default: [.integer(id), .text(id == 60 ? "m" : "n"), .integer(1), .integer(1)]
                }
            },
            "id",
            "name",
            "n",
            "p"
        )
        let table = try table(in: schema, "t", Self.upsert)
        let comparison = try await table.compare(schema: batch.schema)
        #expect(
            try await comparison.compare(batch).map(\.text) == [
                "10: changed name", "20: changed n", "thirty: missing", "40: changed p", "50: missing",
                "60: changed name",
            ]
        )
        // The row 30 has the key of no record; the others have.
        let others = try await comparison.others(limit: 10)
        #expect(others.count == 1 && others.keys == ["30"])
    }

    @Test("Records that are only expected have no differences, and their rows are no others")
    func expected() async throws {
        let schema = try PostgreSQLSchema(
            "CREATE TABLE t (id int, name text); INSERT INTO t VALUES (1, 'x'), (2, 'x'), (NULL, 'x')"
        )
        let batch = records([[.integer(1), .text("n")], [.null, .text("n")]], "id", "name")
        let comparison = try await table(in: schema).compare(schema: batch.schema)
        try await comparison.expect(batch)
        let others = try await comparison.others(limit: 10)
        #expect(others.count == 2 && others.keys == ["2", "NULL"])
        // A record without a key has no row to be found by.
        #expect(try await comparison.compare(batch.slice(1..<2)).map(\.kind) == [.missing])
        #expect(try await comparison.compare(batch.slice(0..<0)) == [])
    }

    @Test("A record that seems to differ is looked at a second time")
    func secondLook() async throws {
        let schema = try PostgreSQLSchema(
            "CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t VALUES (1, 'x'), (2, 'x'), (3, 'n')"
        )
        let batch = records((1...3).map { [.integer($0), .text("n")] }, "id", "name")
        let comparison = try await table(in: schema, "t", Self.upsert).compare(schema: batch.schema) {
            try schema.execute("UPDATE t SET name = 'n' WHERE id = 1; DELETE FROM t WHERE id = 3")
        }
        // Row 3 was right at the first look.
        #expect(try await comparison.compare(batch).map(\.text) == ["2: changed name"])
    }

    @Test("While another program writes other rows, no record of ours differs, and nobody waits for a lock")
    func concurrentWriter() async throws {
        let schema = try PostgreSQLSchema("CREATE TABLE t (id int PRIMARY KEY, name text)")
        let batch = records((1...2000).map { [.integer($0), .text("n\($0)")] }, "id", "name")
        let table = try table(in: schema, "t", Self.upsert)
        try await write(batch, to: table)
        try schema.execute("INSERT INTO t SELECT n, 'live' FROM generate_series(5001, 5100) n")
        let other = SerialWorker(label: "other program", try schema.connect())
        async let writing: Int = other.run { connection in
            var changes = 0
            for round in 0..<200 {
                changes += try connection.execute(
                    "SET lock_timeout = '1ms'; UPDATE t SET name = 'live \(round)' WHERE id BETWEEN 5001 AND 5100"
                ).changes
            }
            return changes
        }
        let comparison = try await table.compare(schema: batch.schema)
        for start in stride(from: 0, to: 2000, by: 200) {
            #expect(try await comparison.compare(batch.slice(start..<start + 200)) == [])
        }
        #expect(try await writing == 20_000)
        #expect(try await comparison.others(limit: 0).count == 100)
        #expect(
            try schema.rows(
                "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.application_name = '\(schema.name)' AND l.relation = 't'::regclass"
            ) == ["0"]
        )
    }

    @Test("Records of other columns may be compared, by the same key")
    func otherColumns() async throws {
        let schema = try PostgreSQLSchema(
            "CREATE TABLE t (id int PRIMARY KEY, name text, other int); INSERT INTO t VALUES (1, 'n', NULL), (2, NULL, 7), (3, NULL, NULL)"
        )
        let comparison = try await table(in: schema, "t", Self.upsert).compare(schema: Sample.schema("id", "name"))
        #expect(try await comparison.compare(records([[.integer(1), .text("n")]], "id", "name")) == [])
        #expect(try await comparison.compare(records([[.integer(2), .integer(7)]], "id", "other")) == [])
        #expect(try await comparison.others(limit: 5).keys == ["3"])
        let text = await message { _ = try await comparison.compare(records([[.text("n")]], "name")) }
        #expect(text.hasPrefix("SinkError: ") && text.contains("by column id"))
    }

    @Test("A table that is missing, or is without the key, or may not be read, is told")
    func unfitTable() async throws {
        let schema = try PostgreSQLSchema("CREATE TABLE u (other int)")
        let wanted = Sample.schema("id", "name")
        let missing = await message { _ = try await table(in: schema, "t", create: true).compare(schema: wanted) }
        #expect(missing.hasPrefix("SinkError: The table t does not exist in the test target"))
        let keyless = await message { _ = try await table(in: schema, "u").compare(schema: wanted) }
        #expect(keyless.hasPrefix("SinkError: ") && keyless.contains("no column id"))
    }

    @Test("A comparison whose task is cancelled ends the server's statement too, and can go on")
    func cancelled() async throws {
        let schema = try PostgreSQLSchema(
            "CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t VALUES (1, 'n')"
        )
        let batch = records([[.integer(1), .text("n")]], "id", "name")
        let comparison = try await table(in: schema).compare(schema: batch.schema)
        #expect(try await comparison.compare(batch) == [])
        let other = try schema.connect()
        try other.execute("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        let waiting = Task { try await comparison.others(limit: 1) }
        let observer = try schema.connect()
        while try observer.execute("SELECT 1 FROM pg_locks WHERE NOT granted AND relation = to_regclass('t')").count
            == 0
        {
            await Task.yield()
        }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        try other.execute("COMMIT")
        #expect(try await comparison.others(limit: 1).count == 0)
    }

    @Test("A session that the server ended says that the comparison has to begin anew")
    func terminated() async throws {
        let schema = try PostgreSQLSchema("CREATE TABLE t (id int PRIMARY KEY, name text)")
        let batch = records([[.integer(1), .text("n")]], "id", "name")
        let comparison = try await table(in: schema).compare(schema: batch.schema)
        #expect(try await comparison.compare(batch).map(\.kind) == [.missing])
        try schema.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(schema.name)'"
        )
        let text = await message { _ = try await comparison.compare(batch) }
        #expect(text.hasPrefix("TargetUnavailable: ") && text.contains("compare from the start"))
    }
}
