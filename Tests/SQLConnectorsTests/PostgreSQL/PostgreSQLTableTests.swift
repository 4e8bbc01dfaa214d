import Foundation
import TestSupport
import Testing

@testable import SQLConnectors

extension WriteOutcome {
    /// `written`, or what was refused.
    fileprivate var text: String {
        switch self {
        case .written: "written"
        case .rejected(let position, let error): "rejected at \(position): \(error)"
        }
    }
}

@Suite(
    "A PostgreSQL table takes every record exactly once",
    .enabled(if: TestPostgreSQL.isThere),
    .timeLimit(.minutes(5))
)
struct PostgreSQLTableTests {
    private static let upsert = TableTarget.Mode.upsert(unlessNewer: nil)

    private func records(_ ids: some Sequence<Int64>, first: Int64 = 1, name: (Int64) -> Value = { .text("n\($0)") })
        -> RecordBatch
    {
        Sample.batch(Sample.schema("id", "name"), from: first, ids.map { [.integer($0), name($0)] })
    }

    @Test("Repeated and re-cut batches add nothing", arguments: [TableTarget.Mode.append, upsert])
    func repeated(_ mode: TableTarget.Mode) async throws {
        let schema = try PostgreSQLSchema("CREATE TABLE t (id bigint PRIMARY KEY, name text)")
        let all = records(1...1000)
        for cut in [300, 1000, 70] {
            // Each time another writer, as a process that starts again has one.
            let table = try schema.table("t", mode)
            try await table.prepare(all.schema)
            for start in stride(from: 0, to: 1000, by: cut) {
                let batch = all.slice(start..<min(1000, start + cut))
                #expect(try await table.write(batch, for: .first).text == "written")
            }
            await table.close()
        }
        #expect(try schema.rows("SELECT count(*), sum(id), count(DISTINCT name) FROM t") == ["1000|500500|1000"])
        #expect(try schema.rows("SELECT run, table_name, bucket, next_ordinal FROM _backfill_ledger") == ["r|t|1|1001"])
    }

    @Test("Two writers of the same run and bucket at once: one record each")
    func twoWriters() async throws {
        let schema = try PostgreSQLSchema("CREATE TABLE t (id bigint, name text)")
        let all = records(1...2000)
        let tables = [try schema.table(patience: .seconds(60)), try schema.table(patience: .seconds(60))]
        for table in tables { try await table.prepare(all.schema) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for table in tables {
                group.addTask {
                    for start in stride(from: 0, to: 2000, by: 100) {
                        _ = try await table.write(all.slice(start..<start + 100), for: .first)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try schema.rows("SELECT count(*), count(DISTINCT id) FROM t") == ["2000|2000"])
    }

    @Test(
        "A sealed bucket takes nothing more, also from who was at it; others go on",
        arguments: [TableTarget.Mode.append, upsert]
    )
    func sealed(_ mode: TableTarget.Mode) async throws {
        let schema = try PostgreSQLSchema("CREATE TABLE t (id bigint PRIMARY KEY, name text)")
        let (table, late) = (try schema.table("t", mode), try schema.table("t", mode))
        #expect(try await table.seal(.first) == nil, "there is no ledger")
        try await late.prepare(records([]).schema)
        #expect(try await late.write(records(1...3), for: .first).text == "written")
        for _ in 1...2 { #expect(try await table.seal(.first) == 4) }
        #expect(try await late.nextOrdinal(for: .first) == 4)
        // The second has a record that is refused, and is cut up.
        for batch in [records(4...6, first: 4), records([7, 1], first: 4), records(3...3, first: 3)] {
            let text = await message { _ = try await late.write(batch, for: .first) }
            #expect(text.hasPrefix("SinkError: ") && text.contains("backfill resume r --spec FILE"), "\(text)")
        }
        let other = LedgerKey(run: "r", bucket: "2")
        #expect(try await late.write(records(8...9), for: other).text == "written")
        #expect(try schema.rows("SELECT id FROM t ORDER BY id") == ["1", "2", "3", "8", "9"])
        #expect(try await table.seal(LedgerKey(run: "r", bucket: "3")) == 0)
    }

    @Test("To seal a bucket, a transaction that is under way is waited for, and what it brings counts")
    func sealedInFlight() async throws {
        let schema = try PostgreSQLSchema("CREATE TABLE t (id bigint, name text)")
        let table = try schema.table(patience: .seconds(60))
        try await table.prepare(records([]).schema)
        #expect(try await table.write(records(1...3), for: .first).text == "written")
        let killed = try schema.connect()
        try killed.execute("BEGIN; INSERT INTO t VALUES (4, 'late'); UPDATE _backfill_ledger SET next_ordinal = 5")
        async let sealed = table.seal(.first)
        let waiting = """
            SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%least(l.next_ordinal%')
            """
        while try schema.rows(waiting) != ["t"] { await Task.yield() }
        try killed.execute("COMMIT")
        #expect(try await sealed == 5)
    }

    /// The blocking part of a table, on which the order of what several sessions do is the test's.
    private func preparedWriter(_ schema: PostgreSQLSchema) throws -> PostgreSQLTableWriter {
        let target = TableTarget(table: "t", mode: .append, create: false)
        let writer = PostgreSQLTableWriter(try schema.server, target, databaseName: "test")
        try writer.prepare(records([]).schema)
        return writer
    }

    @Test("In one transaction with a batch of a sealed bucket, the others are taken")
    func sealedBesideOthers() throws {
        let schema = try PostgreSQLSchema("CREATE TABLE t (id bigint, name text)")
        let writer = try preparedWriter(schema)
        #expect(try writer.seal(.first) == 0)
        let items = [
            LedgeredBatch(records: records(1...3), key: .first),
            LedgeredBatch(records: records(4...6), key: LedgerKey(run: "r", bucket: "2")),
        ]
        let outcomes = writer.commit(items).map { (try? $0.get().text) ?? "failed" }
        #expect(outcomes == ["failed", "written"])
        #expect(try schema.rows("SELECT id FROM t ORDER BY id") == ["4", "5", "6"])
    }

    @Test("To seal a bucket, a session of the run's own that stands still in the middle of a COPY is ended")
    func sealedStandstill() throws {
        let schema = try PostgreSQLSchema("CREATE TABLE t (id bigint, name text)")
        let writer = try preparedWriter(schema)
        _ = try writer.commit([LedgeredBatch(records: records(1...3), key: .first)]).map { try $0.get() }
        let still = try PostgreSQLConnection(try schema.server)
        try still.execute("BEGIN; INSERT INTO t VALUES (4, 'late'); UPDATE _backfill_ledger SET next_ordinal = 5")
        var sealed: Int64?
        #expect(throws: PostgreSQLFailure.self) {
            try still.copyIn("COPY t FROM STDIN", buffer: LineBuffer(capacity: 1)) { _ in
                sealed = try writer.seal(.first)
                return false
            }
        }
        #expect(sealed == 4)
        #expect(try schema.rows("SELECT count(*) FROM t") == ["3"])
    }

    @Test("Batches of many buckets, of different columns, interleaved")
    func manyBuckets() async throws {
        let schema = try PostgreSQLSchema("CREATE TABLE t (id bigint PRIMARY KEY, name text, other int)")
        let table = try schema.table("t", Self.upsert, key: "id", patience: .seconds(60))
        let plain = records([])
        let wide = Sample.schema("other", "id")
        try await table.prepare(plain.schema)
        try await table.prepare(wide)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for bucket in 1...6 {
                group.addTask {
                    for batch in 0..<20 {
                        let ids = (0..<50).map { Int64(bucket * 10_000 + batch * 50 + $0) }
                        let first = Int64(batch * 50 + 1)
                        let records =
                            bucket % 2 == 0
                            ? self.records(ids, first: first)
                            : Sample.batch(wide, from: first, ids.map { [.integer(7), .integer($0)] })
                        let outcome = try await table.write(records, for: LedgerKey(run: "r", bucket: "\(bucket)"))
                        #expect(outcome.text == "written")
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try schema.rows("SELECT count(*), count(name), sum(other) FROM t") == ["6000|3000|21000"])
    }

    @Test("An upsert renews rows, the last record of a key decides, and newer rows stay")
    func upserts() async throws {
        let schema = try PostgreSQLSchema(
            """
            CREATE TABLE t (id bigint PRIMARY KEY, name text, at int, kept text DEFAULT 'kept');
            INSERT INTO t VALUES (1, 'old', 5, 'mine'), (2, 'live', 9, 'mine'), (3, 'unknown', NULL, 'mine');
            """
        )
        let table = try schema.table("t", .upsert(unlessNewer: "at"))
        let batch = Sample.batch(
            Sample.schema("id", "name", "at"),
            [1, 2, 3, 4, 4, 4].enumerated().map { [.integer($1), .text("new \($0)"), .integer($0 == 4 ? 8 : 7)] }
        )
        try await table.prepare(batch.schema)
        #expect(try await table.write(batch, for: .first).text == "written")
        #expect(
            try schema.rows("SELECT * FROM t ORDER BY id")
                == ["1|new 0|7|mine", "2|live|9|mine", "3|new 2|7|mine", "4|new 4|8|kept"]
        )
    }

    @Test("The last record of a key decides, also without a column that tells which is newer")
    func duplicateKeys() async throws {
        let schema = try PostgreSQLSchema("CREATE TABLE t (id bigint PRIMARY KEY, name text)")
        let table = try schema.table("t", Self.upsert)
        let batch = Sample.batch(Sample.schema("id", "name"), (0..<900).map { [.integer($0 % 300), .text("\($0)")] })
        try await table.prepare(batch.schema)
        #expect(try await table.write(batch, for: .first).text == "written")
        #expect(try schema.rows("SELECT count(*), min(name::int), max(name::int) FROM t") == ["300|600|899"])
    }

    /// A table that refuses the record with id 77 of 1…100, and what is said of it.
    private static let refusals: [(sql: String, mode: TableTarget.Mode, bad: Value, part: String)] = [
        (
            "CREATE TABLE t (id bigint UNIQUE, name text); INSERT INTO t VALUES (77)", .append, .text("x"),
            "duplicate key value violates unique constraint"
        ),
        (
            "CREATE TABLE t (id bigint PRIMARY KEY, name text NOT NULL DEFAULT 'd')", .append, .null,
            "null value in column \"name\""
        ),
        (
            "CREATE TABLE t (id bigint PRIMARY KEY, name text NOT NULL DEFAULT 'd')", upsert, .null,
            "null value in column \"name\""
        ),
        (
            "CREATE TABLE t (id bigint PRIMARY KEY, name varchar(5))", .append, .text("toolong"),
            "value too long for type character varying(5) (column name)"
        ),
        (
            "CREATE TABLE t (id bigint PRIMARY KEY, name varchar(5))", upsert, .text("toolong"),
            "value too long for type character varying(5) (column name)"
        ),
        (
            "CREATE TABLE t (id bigint PRIMARY KEY, name text CHECK (name <> 'bad'))", upsert, .text("bad"),
            "check constraint"
        ),
        (
            "CREATE TABLE t (id bigint PRIMARY KEY, name text)", .append, .text("nul\0"),
            "column name holds text with a zero byte"
        ),
        ("CREATE TABLE t (id bigint PRIMARY KEY, name text)", upsert, .blob([1]), "column name holds bytes"),
        ("CREATE TABLE t (id bigint PRIMARY KEY, name varchar(4))", upsert, .text("n1   "), "blanks at the end"),
        (
            """
            CREATE TABLE t (id bigint PRIMARY KEY, name text);
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.name = ''bad'' THEN RAISE ''not this one''; END IF; RETURN NEW; END';
            CREATE TRIGGER refuse AFTER INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION refuse();
            """, .append, .text("bad"), "not this one"
        ),
        (
            """
            CREATE TABLE names (name text PRIMARY KEY); INSERT INTO names SELECT 'n' || n FROM generate_series(1, 100) n;
            CREATE TABLE t (id bigint PRIMARY KEY, name text REFERENCES names DEFERRABLE INITIALLY DEFERRED);
            """, upsert, .text("bad"), "violates foreign key constraint"
        ),
    ]

    @Test(
        "A record that is refused is named; those before it are taken, those behind it not tried",
        arguments: refusals.indices
    )
    func refused(_ index: Int) async throws {
        let refusal = Self.refusals[index]
        let schema = try PostgreSQLSchema(refusal.sql)
        let table = try schema.table("t", refusal.mode)
        let batch = records(1...100) { $0 == 77 ? refusal.bad : .text("n\($0)") }
        try await table.prepare(batch.schema)
        let text = try await table.write(batch, for: .first).text
        #expect(
            text.hasPrefix("rejected at 76: record 77 (ordinal 77) was refused: table t: ")
                && text.contains(refusal.part)
        )
        #expect(try schema.rows("SELECT count(*) FROM t WHERE id < 77") == ["76"])
        #expect(try schema.rows("SELECT count(*) FROM t WHERE id > 77") == ["0"])
        #expect(try schema.rows("SELECT next_ordinal FROM _backfill_ledger") == ["77"])
        // What stands behind it comes next, in a batch of its own.
        #expect(try await table.write(batch.slice(77..<100), for: .first).text == "written")
        #expect(try schema.rows("SELECT count(*) FROM t WHERE id <> 77") == ["99"])
    }

    @Test("A batch without bad records is taken, whatever another batch of the same transaction holds")
    func otherBatches() async throws {
        let schema = try PostgreSQLSchema("CREATE TABLE t (id bigint PRIMARY KEY, name text CHECK (name <> 'bad'))")
        let server = try schema.server
        let target = TableTarget(table: "t", mode: .append, create: false, busyTimeout: .seconds(60))
        let writer = PostgreSQLTableWriter(server, target, databaseName: "test")
        try writer.prepare(Sample.schema("id", "name"))
        let items = (0..<4).map { index in
            LedgeredBatch(
                records: records((1...50).map { Int64(index * 50 + $0) }) { $0 == 60 ? .text("bad") : .text("n") },
                key: LedgerKey(run: "r", bucket: "\(index)")
            )
        }
        let outcomes = try writer.commit(items).map { try $0.get().text }
        #expect(outcomes[0] == "written" && outcomes[2] == "written" && outcomes[3] == "written")
        #expect(outcomes[1].hasPrefix("rejected at 9: record 60"))
        #expect(try schema.rows("SELECT count(*) FROM t") == ["159"])
    }

    @Test(
        "Values that a type would change quietly are refused",
        arguments: [
            ("real", Value.real(0.1)), ("real", .integer(16_777_217)), ("real", .text("0.123456789")),
            ("double precision", .integer(9_007_199_254_740_993)),
            ("double precision", .text("0.12345678901234567890")),
            ("numeric(6,2)", .text("1.005")), ("numeric(6,2)", .real(0.125)), ("date", .text("2024-01-01 10:00:00")),
            ("timestamp(0)", .text("2024-01-01 10:00:00.5")), ("timestamp", .text("2024-01-01 10:00:00.1234567")),
            ("timestamp", .text("2024-01-01 10:00:00+02")), ("time", .text("10:00:00-01:30")), ("bytea", .integer(5)),
        ]
    )
    func quietChanges(_ type: String, _ value: Value) async throws {
        let schema = try PostgreSQLSchema("CREATE TABLE t (id bigint PRIMARY KEY, name \(type))")
        let table = try schema.table()
        let batch = records([1]) { _ in value }
        try await table.prepare(batch.schema)
        let text = try await table.write(batch, for: .first).text
        #expect(text.contains("record 1 (ordinal 1) was refused: table t: column name holds"))
    }

    @Test(
        "Values that a type holds are taken exactly",
        arguments: [
            ("real", Value.real(0.5), "0.5"), ("real", .text("0.1"), "0.1"), ("double precision", .text("0.1"), "0.1"),
            ("double precision", .real(0.1), "0.1"),
            ("double precision", .text("0.30000000000000004"), "0.30000000000000004"),
            ("numeric(6,2)", .text("1.500"), "1.50"), ("numeric(6,2)", .real(0.25), "0.25"),
            ("numeric", .text("1e-30"), "0.000000000000000000000000000001"), ("bigint", .real(3), "3"),
            ("date", .text("2024-01-01T00:00:00"), "2024-01-01"),
            ("timestamp", .text("2024-01-01T10:00:00Z"), "2024-01-01 10:00:00"),
            ("timestamptz", .text("2024-01-01 10:00:00+02"), "2024-01-01 08:00:00+00"), ("boolean", .integer(1), "t"),
            ("text", .real(0.30000000000000004), "0.30000000000000004"), ("text", .integer(-5), "-5"),
            ("bytea", .text("ä"), "\\xc3a4"),
            ("text", .text("\\N"), "\\N"), ("text", .text(""), ""),
        ]
    )
    func exactValues(_ type: String, _ value: Value, _ expected: String) async throws {
        let schema = try PostgreSQLSchema("CREATE TABLE t (id bigint PRIMARY KEY, name \(type))")
        let table = try schema.table()
        let batch = records([1]) { _ in value }
        try await table.prepare(batch.schema)
        #expect(try await table.write(batch, for: .first).text == "written")
        #expect(try schema.rows("SELECT name FROM t") == [expected])
    }

    @Test(
        "A table that cannot take the records is refused before the first one",
        arguments: [
            ("", TableTarget.Mode.append, "does not exist in the test target"),
            ("CREATE TABLE t (id bigint)", .append, "lacks name"),
            ("CREATE TABLE t (id bigint, name text GENERATED ALWAYS AS ('x') STORED)", .append, "is generated"),
            (
                "CREATE TABLE t (id bigint, name text, must int NOT NULL)", .append,
                "must of table t is NOT NULL without a default"
            ),
            ("CREATE TABLE t (id bigint, name text)", upsert, "needs a unique key"),
            (
                "CREATE TABLE t (id bigint, name text); CREATE UNIQUE INDEX ON t (id) WHERE id > 5", upsert,
                "needs a unique key"
            ),
            ("CREATE TABLE t (id bigint UNIQUE DEFERRABLE, name text)", upsert, "needs a unique key"),
            (
                "CREATE TABLE t (id bigint PRIMARY KEY, name int GENERATED ALWAYS AS IDENTITY)", upsert,
                "GENERATED ALWAYS AS IDENTITY"
            ),
            ("CREATE VIEW t AS SELECT 1::bigint AS id, 'a'::text AS name", .append, "is a view"),
        ]
    )
    func unfitTable(_ sql: String, _ mode: TableTarget.Mode, _ part: String) async throws {
        let schema = try PostgreSQLSchema(sql)
        let table = try schema.table("t", mode)
        let checked = await message { try await table.check(Sample.schema("id", "name")) }
        #expect(checked.hasPrefix("SinkError: ") && checked.contains(part))
        let prepared = await message { try await table.prepare(Sample.schema("id", "name")) }
        #expect(prepared == checked)
        #expect(
            try schema.rows(
                "SELECT count(*) FROM pg_class WHERE relnamespace = '\(schema.name)'::regnamespace AND relname = '_backfill_ledger'"
            ) == ["0"]
        )
    }

    @Test("Names with a schema, capitals and quotes; identity, serial and defaulted columns; partitions")
    func names() async throws {
        let schema = try PostgreSQLSchema(
            """
            CREATE TABLE "Odd ""T.able" ("ID" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "Name" text, at timestamptz DEFAULT now()) ;
            CREATE TABLE parts (id bigint PRIMARY KEY, name text) PARTITION BY RANGE (id);
            CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (50);
            CREATE TABLE high PARTITION OF parts FOR VALUES FROM (50) TO (1000);
            """
        )
        let batch = records(1...99)
        for name in ["\(schema.name).\"Odd \"\"T.able\"", "\(schema.name).parts"] {
            for mode in [TableTarget.Mode.append, Self.upsert] {
                let table = try schema.table(name, mode)
                try await table.prepare(batch.schema)
                let key = LedgerKey(run: "\(mode)", bucket: "1")
                let rows = mode == .append ? batch : batch.slice(50..<99)
                #expect(try await table.write(rows, for: key).text == "written")
            }
        }
        #expect(try schema.rows("SELECT count(*), count(at) FROM \"Odd \"\"T.able\"") == ["99|99"])
        #expect(try schema.rows("SELECT count(*) FROM high") == ["50"])
    }

    @Test("A lock of another session is waited for, then said, and nothing of the batch is taken")
    func locked() async throws {
        let schema = try PostgreSQLSchema("CREATE TABLE t (id bigint, name text)")
        let table = try schema.table()
        let hasty = try schema.table(patience: .milliseconds(50))
        let batch = records(1...10)
        try await table.prepare(batch.schema)
        let other = try schema.connect()
        try other.execute("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        let text = await message { _ = try await hasty.write(batch, for: .first) }
        #expect(text.hasPrefix("TargetUnavailable: ") && text.contains("did not answer in time"))
        try other.execute("COMMIT")
        #expect(try await table.write(batch, for: .first).text == "written")
        #expect(try schema.rows("SELECT count(*) FROM t") == ["10"])
    }

    @Test(
        "A statement that takes longer than the connection string allows is given up, and nothing of the batch is taken"
    )
    func statementTimeout() async throws {
        let schema = try PostgreSQLSchema(
            """
            CREATE TABLE t (id bigint, name text);
            CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(3600); RETURN NULL; END';
            CREATE TRIGGER pause AFTER INSERT ON t EXECUTE FUNCTION pause();
            """
        )
        let server = try PostgreSQLServer(schema.url + "%20-cstatement_timeout%3D3s")
        let table = PostgreSQLTable(
            server,
            TableTarget(table: "t", mode: .append, create: false),
            name: "the test target"
        )
        let batch = records(1...10)
        try await table.prepare(batch.schema)
        let text = await message { _ = try await table.write(batch, for: .first) }
        #expect(text.hasPrefix("TargetUnavailable: ") && text.contains("statement timeout"))
        #expect(try schema.rows("SELECT count(*) FROM t") == ["0"])
    }

    @Test("A session that the server ended is opened anew, and nothing is lost or doubled")
    func terminated() async throws {
        let schema = try PostgreSQLSchema("CREATE TABLE t (id bigint, name text)")
        let table = try schema.table()
        let all = records(1...500)
        try await table.prepare(all.schema)
        var failures = 0
        for start in stride(from: 0, to: 500, by: 100) {
            if start == 200 || start == 400 {
                try schema.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(schema.name)'"
                )
            }
            do {
                _ = try await table.write(all.slice(start..<start + 100), for: .first)
            } catch is TargetUnavailable {
                failures += 1
                #expect(try await table.write(all.slice(start..<start + 100), for: .first).text == "written")
            }
        }
        #expect(failures == 2)
        #expect(try schema.rows("SELECT count(*), count(DISTINCT id) FROM t") == ["500|500"])
    }

    @Test("Deadlocks and serialization failures are tried again at once", arguments: ["40P01", "40001"])
    func lostRaces(_ state: String) async throws {
        // A sequence does not go back with the transaction that moved it.
        let schema = try PostgreSQLSchema(
            """
            CREATE TABLE t (id bigint PRIMARY KEY, name text); CREATE SEQUENCE tries;
            CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN IF nextval(''tries'') <= 3 THEN RAISE ''lost'' USING ERRCODE = ''\(state)''; END IF; RETURN NULL; END';
            CREATE TRIGGER lose AFTER INSERT ON t EXECUTE FUNCTION lose();
            """
        )
        let table = try schema.table("t", Self.upsert)
        let batch = records(1...2)
        try await table.prepare(batch.schema)
        #expect(try await table.write(batch, for: .first).text == "written")
        #expect(try schema.rows("SELECT count(*) FROM t") == ["2"])
        #expect(try schema.rows("SELECT last_value FROM tries") == ["4"])
    }
}
