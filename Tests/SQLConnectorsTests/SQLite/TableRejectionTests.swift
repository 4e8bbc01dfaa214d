import Foundation
import Testing

@testable import SQLConnectors

@Suite("A record that the table refuses is named, and no other record suffers")
struct TableRejectionTests {
    struct Refusal: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var sql: String
        var bad: [Value]
        var cause: String
    }

    private static let refusals: [Refusal] = [
        Refusal(
            testDescription: "a key that is there already",
            sql: "CREATE TABLE t (id UNIQUE, name)",
            bad: [.integer(1), .text("again")],
            cause: "table t: UNIQUE constraint failed: t.id"
        ),
        Refusal(
            testDescription: "NOT NULL",
            sql: "CREATE TABLE t (id, name NOT NULL)",
            bad: [.integer(3), .null],
            cause: "table t: NOT NULL constraint failed: t.name"
        ),
        Refusal(
            testDescription: "CHECK",
            sql: "CREATE TABLE t (id, name CONSTRAINT short CHECK (length(name) < 20))",
            bad: [.integer(3), .text(String(repeating: "x", count: 30))],
            cause: "table t: CHECK constraint failed: short"
        ),
        Refusal(
            testDescription: "a STRICT column of another type",
            sql: "CREATE TABLE t (id INTEGER, name TEXT) STRICT",
            bad: [.text("three"), .text("x")],
            cause: "table t: cannot store TEXT value in INTEGER column t.id"
        ),
        Refusal(
            testDescription: "text for an INTEGER PRIMARY KEY",
            sql: "CREATE TABLE t (id INTEGER PRIMARY KEY, name)",
            bad: [.text("three"), .text("x")],
            cause: "table t: datatype mismatch (column id is INTEGER PRIMARY KEY and takes whole numbers only)"
        ),
        Refusal(
            testDescription: "an expression that fails",
            sql: "CREATE TABLE t (id, name, size AS (abs(id)) STORED)",
            bad: [.integer(.min), .text("x")],
            cause: "table t: integer overflow"
        ),
        trigger("ABORT"), trigger("ROLLBACK"), trigger("FAIL"),
    ]

    private static func trigger(_ action: String) -> Refusal {
        Refusal(
            testDescription: "a trigger that raises \(action)",
            sql: """
                CREATE TABLE t (id, name); CREATE TABLE log (id);
                CREATE TRIGGER g BEFORE INSERT ON t BEGIN
                    INSERT INTO log VALUES (new.id);
                    SELECT raise(\(action), 'no such customer') WHERE new.id = 13;
                END;
                """,
            bad: [.integer(13), .text("x")],
            cause: "table t: no such customer"
        )
    }

    @Test("Those before it are taken, those behind it are not yet, and the ledger stands at it", arguments: refusals)
    func midBatch(_ refusal: Refusal) async throws {
        let target = try Target(refusal.sql)
        let good: (Int64) -> [Value] = { [.integer($0), .text("name \($0)")] }
        let rows = [good(1), good(2), refusal.bad, good(4), good(5)]
        let schema = Sample.schema("id", "name")
        try await target.table.prepare(schema)
        let batch = Sample.batch(schema, from: 101, rows)
        for table in [target.table, target.table, target.reopened()] {
            // Handed in again, it is refused again, and nothing is taken twice.
            let rejection = try #require(try await table.write(batch, for: .first).rejection)
            #expect(rejection.position == 2)
            #expect(rejection.error.ordinal == 103 && rejection.error.recordID == batch.key(at: 2))
            #expect(rejection.error.cause == refusal.cause)
            #expect(try target.rows("SELECT id FROM t ORDER BY id") == ["1", "2"])
            #expect(try target.next() == ["103"])
        }
        #expect(try await target.table.write(batch.slice(3..<5), for: .first).isWritten)
        #expect(try target.rows("SELECT id FROM t ORDER BY id") == ["1", "2", "4", "5"])
        #expect(try target.next() == ["106"])
        if refusal.sql.contains("TABLE log") {
            // What a trigger did for the refused record is undone, too.
            #expect(try target.rows("SELECT id FROM log ORDER BY id") == ["1", "2", "4", "5"])
        }
    }

    @Test("A batch from long before, beside one whose refusal takes the transaction back, moves no ledger backwards")
    func repeatedBesideRefused() throws {
        let target = try Target(Self.trigger("ROLLBACK").sql)
        let writer = SQLiteTableWriter(target.file, target.description)
        func batch(_ ids: Range<Int64>, _ bucket: String) -> LedgeredBatch {
            LedgeredBatch(records: Sample.customers(ids), key: LedgerKey(run: "r", bucket: bucket))
        }
        _ = try writer.commit([batch(21..<31, "1"), batch(31..<41, "1")]).map { try $0.get() }
        let outcomes = try writer.commit([batch(21..<26, "1"), batch(11..<16, "2")]).map { try $0.get() }
        #expect(outcomes.map(\.isWritten) == [true, false])
        #expect(try target.next("1") == ["41"])
        #expect(try target.rows("SELECT count(*), count(DISTINCT id) FROM t") == ["22|22"])
    }

    @Test("Other batches of the same transaction are taken whole", arguments: ["ABORT", "FAIL", "ROLLBACK"])
    func otherBatches(action: String) throws {
        let target = try Target(Self.trigger(action).sql)
        let writer = SQLiteTableWriter(target.file, target.description)
        try writer.prepare(Sample.schema("id", "name"))
        let items = (0..<4).map { index in
            // Records 1…5, 11…15, 21…25, 31…35; the trigger refuses 13.
            LedgeredBatch(
                records: Sample.customers(Int64(index) * 10 + 1..<Int64(index) * 10 + 6),
                key: LedgerKey(run: "r", bucket: "\(index)")
            )
        }
        for _ in 0..<2 {
            let outcomes = try writer.commit(items).map { try $0.get() }
            #expect(outcomes.map(\.isWritten) == [true, false, true, true])
            #expect(outcomes[1].rejection?.position == 2)
            let expected = [1, 2, 3, 4, 5, 11, 12, 21, 22, 23, 24, 25, 31, 32, 33, 34, 35].map(String.init)
            #expect(try target.rows("SELECT id FROM t ORDER BY id") == expected)
            #expect(try target.rows("SELECT id FROM log ORDER BY id") == expected)
            #expect(try ["0", "1", "2", "3"].flatMap { try target.next($0) } == ["6", "13", "26", "36"])
        }
    }

    @Test("A trigger that logs, and refuses nothing, is no matter")
    func loggingTrigger() async throws {
        let target = try Target(Self.trigger("FAIL").sql)
        #expect(try await target.table.write(Sample.customers(20..<30), for: .first).isWritten)
        #expect(try target.rows("SELECT count(*) FROM log") == ["10"])
    }
}
