import Foundation
import TestSupport
import Testing

@testable import SQLConnectors

@Suite("A rehearsal takes the time of a write and leaves nothing in a SQLite database")
struct SQLiteRehearsalTests {
    /// Everything in a database, and the names beside it.
    private func picture(_ target: Target) throws -> [String] {
        try rows("SELECT * FROM sqlite_schema", in: target.file) + target.rows()
            + rows("PRAGMA journal_mode", in: target.file)
            + target.folder.names.filter { !$0.hasSuffix("-shm") && !$0.hasSuffix("-wal") }
    }

    @Test(
        "Table, ledger and folder stay as they are",
        arguments: [TableTarget.Mode.append, .upsert(unlessNewer: nil)]
    )
    func unchanged(_ mode: TableTarget.Mode) async throws {
        let target = try Target(mode: mode)
        try execute("INSERT INTO t VALUES (1, 'mine'), (5000, 'mine')", on: target.file)
        let before = try picture(target)
        #expect(try await target.table.rehearse(Sample.customers(2..<1000), for: .first) > .zero)
        #expect(try await target.table.rehearse(Sample.customers(4990..<5010), for: .first) > .zero)
        #expect(try picture(target) == before)
        // With a ledger, and a writer at work.
        #expect(try await target.table.write(Sample.customers(2..<10), for: .first).isWritten)
        let written = try picture(target)
        #expect(
            try await target.table.rehearse(Sample.customers(10..<100), for: LedgerKey(run: "x", bucket: "1")) > .zero
        )
        #expect(try picture(target) == written)
        #expect(try target.rows("SELECT run, next_ordinal FROM _backfill_ledger") == ["r|10"])
        #expect(try await target.table.write(Sample.customers(10..<100), for: .first).isWritten)
    }

    @Test("A database or a table that does not exist yet is not made")
    func notMade() async throws {
        let folder = try ScratchFolder()
        let target = try Target("", mode: .upsert(unlessNewer: nil), create: true, in: folder)
        #expect(try await target.table.rehearse(Sample.customers(1..<500), for: .first) > .zero)
        #expect(try folder.names == [])
        try execute("CREATE TABLE u (a)", on: target.file)
        #expect(try await target.table.rehearse(Sample.customers(1..<500), for: .first) > .zero)
        #expect(try target.rows("SELECT name FROM sqlite_schema") == ["u"])
        let missing = SQLiteTable(target.file, TableTarget(table: "t", mode: .append, create: false))
        let text = await message { _ = try await missing.rehearse(Sample.customers(1..<2), for: .first) }
        #expect(text.hasPrefix("SinkError: The table t does not exist"))
    }

    @Test(
        "Records that are refused do not end it",
        arguments: ["ABORT", "FAIL", "ROLLBACK"]
    )
    func refused(_ action: String) async throws {
        let target = try Target(
            """
            CREATE TABLE t (id INTEGER PRIMARY KEY, name);
            CREATE TRIGGER refuse AFTER INSERT ON t WHEN NEW.id % 30 = 0 BEGIN SELECT RAISE(\(action), 'no'); END;
            """
        )
        let table = target.table
        #expect(try await table.rehearse(Sample.customers(1..<100), for: .first) > .zero)
        #expect(try await table.rehearse(Sample.customers(30..<31), for: .first) >= .zero)
        #expect(try target.rows() == [])
        #expect(try target.rows("SELECT count(*) FROM sqlite_schema") == ["2"])
    }

    @Test("It waits for what a write waits for: a database that is locked is told")
    func locked() async throws {
        let target = try Target()
        let other = try connect(target.file)
        try other.execute("BEGIN IMMEDIATE")
        let text = await message { _ = try await target.table.rehearse(Sample.customers(1..<9), for: .first) }
        #expect(text.hasPrefix("TargetUnavailable: ") && text.contains("locked"))
        #expect(try target.folder.names.filter { $0.contains("rehearsal") } == [])
    }

    @Test("More records take longer")
    func longer() async throws {
        let target = try Target()
        let few = try await target.table.rehearse(Sample.customers(1..<10), for: .first)
        let many = try await target.table.rehearse(Sample.customers(1..<100_000), for: .first)
        #expect(many > few)
    }
}

@Suite("A rehearsal takes the time of a write and leaves nothing in PostgreSQL", .enabled(if: TestPostgreSQL.isThere))
struct PostgreSQLRehearsalTests {
    private static let upsert = TableTarget.Mode.upsert(unlessNewer: nil)

    private func names(in schema: PostgreSQLSchema) throws -> [String] {
        try schema.rows("SELECT relname FROM pg_class WHERE relnamespace = '\(schema.name)'::regnamespace ORDER BY 1")
    }

    @Test("Table and ledger stay as they are", arguments: [TableTarget.Mode.append, upsert])
    func unchanged(_ mode: TableTarget.Mode) async throws {
        let schema = try PostgreSQLSchema(
            "CREATE TABLE t (id bigint PRIMARY KEY, name text); INSERT INTO t VALUES (1, 'mine'), (5000, 'mine')"
        )
        let table = try schema.table("t", mode, patience: .seconds(60))
        for ids in [Int64(2)..<1000, 4990..<5010, 4990..<5010] {
            #expect(try await table.rehearse(Sample.customers(ids), for: .first) > .zero)
        }
        #expect(try names(in: schema) == ["t", "t_pkey"])
        #expect(try schema.rows("SELECT * FROM t ORDER BY id") == ["1|mine", "5000|mine"])
        try await table.prepare(Sample.schema("id", "name"))
        #expect(try await table.write(Sample.customers(2..<10), for: .first).isWritten)
        #expect(try await table.rehearse(Sample.customers(10..<100), for: LedgerKey(run: "x", bucket: "1")) > .zero)
        #expect(try schema.rows("SELECT run, next_ordinal FROM _backfill_ledger") == ["r|10"])
        #expect(try schema.rows("SELECT count(*) FROM t") == ["10"])
        #expect(try await table.write(Sample.customers(10..<100), for: .first).isWritten)
        #expect(try schema.rows("SELECT count(*) FROM t") == ["100"])
        await table.close()
    }

    @Test("A table that does not exist yet is not made", arguments: [TableTarget.Mode.append, upsert])
    func notMade(_ mode: TableTarget.Mode) async throws {
        let schema = try PostgreSQLSchema()
        let table = try schema.table("t", mode, create: true, patience: .seconds(60))
        for _ in 0..<2 { #expect(try await table.rehearse(text(1..<500), for: .first) > .zero) }
        #expect(try names(in: schema) == [])
        let missing = await message { _ = try await schema.table("t", mode).rehearse(text(1..<2), for: .first) }
        #expect(missing.hasPrefix("SinkError: The table t does not exist in the test target"))
        // Then the real thing.
        try await table.prepare(Sample.schema("id", "name"))
        #expect(try await table.write(text(1..<500), for: .first).isWritten)
        #expect(try await table.rehearse(text(500..<600), for: .first) > .zero)
        #expect(try schema.rows("SELECT count(*) FROM t") == ["499"])
    }

    /// Columns without types become text.
    private func text(_ ordinals: Range<Int64>) -> RecordBatch {
        Sample.batch(
            Sample.schema("id", "name"),
            from: ordinals.lowerBound,
            ordinals.map { [.text("\($0)"), .text("n")] }
        )
    }

    @Test(
        "Records that are refused do not end it; what is behind them is written too",
        arguments: [TableTarget.Mode.append, upsert]
    )
    func refused(_ mode: TableTarget.Mode) async throws {
        // A sequence does not go back, and so tells how many records came to the table in the end.
        let schema = try PostgreSQLSchema(
            """
            CREATE SEQUENCE taken;
            CREATE TABLE names (name text PRIMARY KEY); INSERT INTO names SELECT 'name ' || n FROM generate_series(1, 200) n WHERE n <> 70;
            CREATE TABLE t (id bigint PRIMARY KEY, name varchar(8) REFERENCES names DEFERRABLE INITIALLY DEFERRED);
            CREATE FUNCTION count_last() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN IF NEW.id = 99 THEN PERFORM nextval(''taken''); END IF; RETURN NEW; END';
            CREATE TRIGGER count_last BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION count_last();
            """
        )
        var rows: [[Value]] = (1..<100).map { (id: Int64) in [.integer(id), .text("name \(id)")] }
        rows[29] = [.integer(30), .text("much too long")]
        rows[49] = [.text("fifty"), .text("name 50")]
        let batch = Sample.batch(Sample.schema("id", "name"), rows)
        let table = try schema.table("t", mode, patience: .seconds(60))
        #expect(try await table.rehearse(batch, for: .first) > .zero)
        #expect(try schema.rows("SELECT is_called FROM taken") == ["t"])
        #expect(try schema.rows("SELECT count(*) FROM t") == ["0"])
    }

    @Test("A lock of another session is waited for, then said")
    func locked() async throws {
        let schema = try PostgreSQLSchema("CREATE TABLE t (id bigint, name text)")
        let table = try schema.table()
        let other = try schema.connect()
        try other.execute("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        let text = await message { _ = try await table.rehearse(Sample.customers(1..<9), for: .first) }
        #expect(text.hasPrefix("TargetUnavailable: ") && text.contains("did not answer in time"))
        try other.execute("COMMIT")
    }
}
