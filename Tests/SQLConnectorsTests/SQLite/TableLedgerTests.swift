import Foundation
import Testing

@testable import SQLConnectors
import TestSupport

@Suite("Every record is taken exactly once, however its batches are cut, repeated and interleaved")
struct TableLedgerTests {
    /// Executors of several buckets go on from checkpoints that lag behind the ledger by anything, with batches of any size,
    /// and the program starts again now and then. The table has no unique key, so a record taken twice would show.
    @Test("Batches cut anew", arguments: [31, 32, 33, 34, 35, 36] as [UInt64])
    func cutAnew(seed: UInt64) async throws {
        let target = try Target("CREATE TABLE t (id, name)")
        var random = SplitMix64(seed: seed)
        let buckets: [Range<Int64>] = [1..<401, 401..<801, 801..<1201]
        var taken = buckets.map(\.lowerBound)
        var table = target.table
        try await table.prepare(Sample.schema("id", "name"))
        while let bucket = buckets.indices.filter({ taken[$0] < buckets[$0].upperBound }).randomElement(using: &random)
        {
            if Int.random(in: 0..<8, using: &random) == 0 { table = target.reopened() }
            if Int.random(in: 0..<8, using: &random) == 0 { await table.close() }
            let start = max(buckets[bucket].lowerBound, taken[bucket] - Int64.random(in: 0...150, using: &random))
            let end = min(buckets[bucket].upperBound, start + Int64.random(in: 1...120, using: &random))
            let outcome = try await table.write(
                Sample.customers(start..<end),
                for: LedgerKey(run: "r", bucket: "\(bucket)")
            )
            #expect(outcome.isWritten, "seed \(seed)")
            taken[bucket] = max(taken[bucket], end)
            #expect(try target.next("\(bucket)") == ["\(taken[bucket])"], "seed \(seed)")
        }
        #expect(try target.rows("SELECT id FROM t ORDER BY id") == (1...1200).map(String.init), "seed \(seed)")
        let disordered = """
            SELECT count(*) FROM (SELECT id - lag(id) OVER (PARTITION BY (id - 1) / 400 ORDER BY rowid) AS step FROM t) WHERE step <> 1
            """
        #expect(try target.rows(disordered) == ["0"], "seed \(seed)")
    }

    @Test("A batch that the ledger has seen is written already, even when the row is gone since")
    func repeated() async throws {
        let target = try Target()
        #expect(try await target.table.write(Sample.customers(1..<4), for: .first).isWritten)
        try execute("DELETE FROM t WHERE id = 2", on: target.file)
        #expect(try await target.table.write(Sample.customers(1..<4), for: .first).isWritten)
        #expect(try await target.reopened().write(Sample.customers(2..<4), for: .first).isWritten)
        #expect(try target.rows("SELECT id FROM t") == ["1", "3"])
    }

    @Test("Two writers of one bucket, as when a process is taken for dead: what the other one took is left out")
    func twoWriters() async throws {
        let target = try Target("CREATE TABLE t (id, name)")
        let late = target.reopened()
        #expect(try await late.write(Sample.customers(1..<3), for: .first).isWritten)
        #expect(try await target.table.write(Sample.customers(3..<6), for: .first).isWritten)
        #expect(try await late.write(Sample.customers(3..<8), for: .first).isWritten)
        #expect(try target.rows("SELECT id FROM t ORDER BY rowid") == (1...7).map(String.init))
    }

    @Test("A sealed bucket takes nothing more, also from who was at it; others go on")
    func sealed() async throws {
        let target = try Target("CREATE TABLE t (id, name)")
        let late = target.reopened()
        #expect(try await late.write(Sample.customers(1..<4), for: .first).isWritten)
        for _ in 1...2 { #expect(try await target.reopened().seal(.first) == 4) }
        #expect(try await late.nextOrdinal(for: .first) == 4)
        for batch in [3..<7, 2..<3, 4..<5] as [Range<Int64>] {
            let text = await message { _ = try await late.write(Sample.customers(batch), for: .first) }
            #expect(text.hasPrefix("SinkError: ") && text.contains("backfill resume r --spec FILE"), "\(text)")
        }
        // In one transaction with it, too.
        let writer = SQLiteTableWriter(target.file, target.description)
        let items = [
            LedgeredBatch(records: Sample.customers(4..<7), key: .first),
            LedgeredBatch(records: Sample.customers(7..<9), key: LedgerKey(run: "r", bucket: "2")),
        ]
        let outcomes = writer.commit(items).map { (try? $0.get().isWritten) ?? false }
        #expect(outcomes == [false, true])
        #expect(try target.rows("SELECT id FROM t ORDER BY rowid") == ["1", "2", "3", "7", "8"])
    }

    @Test("A bucket is sealed before its first record; where there is no database, there is nothing to seal")
    func sealedFirst() async throws {
        let target = try Target("CREATE TABLE t (id, name)")
        #expect(try await target.table.seal(.first) == 0)
        let text = await message { _ = try await target.reopened().write(Sample.customers(1..<4), for: .first) }
        #expect(text.hasPrefix("SinkError: "), "\(text)")
        #expect(try target.rows().isEmpty)
        let missing = try Target("")
        #expect(try await missing.table.seal(.first) == nil)
        #expect(!FileManager.default.fileExists(atPath: missing.file.path))
    }

    @Test("Buckets and runs have entries of their own")
    func keys() async throws {
        let target = try Target("CREATE TABLE t (id, name)")
        for key in [LedgerKey.first, LedgerKey(run: "r", bucket: "2"), LedgerKey(run: "s", bucket: "1")] {
            #expect(try await target.table.write(Sample.customers(1..<3), for: key).isWritten)
        }
        #expect(try target.rows("SELECT id FROM t ORDER BY rowid") == ["1", "2", "1", "2", "1", "2"])
    }

    @Test("Two tables of one database take the same bucket, each for itself")
    func twoTables() async throws {
        let target = try Target("CREATE TABLE t (id, name); CREATE TABLE u (id, name)")
        let other = SQLiteTable(target.file, TableTarget(table: "u", mode: .append, create: false))
        #expect(try await target.table.write(Sample.customers(1..<3), for: .first).isWritten)
        #expect(try await other.write(Sample.customers(1..<3), for: .first).isWritten)
        #expect(try target.rows("SELECT id FROM u") == ["1", "2"])
    }

    @Test("Many executors at once")
    func manyExecutors() async throws {
        let target = try Target()
        let table = target.table
        try await table.prepare(Sample.schema("id", "name"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for bucket in 0..<32 {
                group.addTask {
                    for part in 0..<20 {
                        let start = Int64(bucket * 200 + part * 10 + 1)
                        let key = LedgerKey(run: "r", bucket: "\(bucket)")
                        let outcome = try await table.write(Sample.customers(start..<start + 10), for: key)
                        #expect(outcome.isWritten)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try target.rows("SELECT count(*), min(id), max(id) FROM t") == ["6400|1|6400"])
        #expect(
            try target.rows("SELECT sum(next_ordinal) FROM _backfill_ledger") == [
                "\((1...32).map { $0 * 200 + 1 }.reduce(0, +))"
            ]
        )
    }

    @Test("When a write returns, another connection sees the rows and the ledger")
    func committed() async throws {
        let target = try Target()
        #expect(try await target.table.write(Sample.customers(5..<7), for: .first).isWritten)
        #expect(try target.rows() == ["5|name 5", "6|name 6"])
        #expect(try target.next() == ["7"])
        #expect(try target.rows("PRAGMA journal_mode") == ["wal"])
    }

    @Test("An empty batch is written, and moves nothing")
    func emptyBatch() async throws {
        let target = try Target()
        let empty = Sample.batch(Sample.schema("id", "name"), from: 9, [])
        #expect(try await target.table.write(empty, for: .first).isWritten)
        #expect(try target.next().isEmpty)
    }
}

@Suite("An upsert renews the row of the same key")
struct TableUpsertTests {
    private let schema = Sample.schema("id", "name", "changed")

    private func rows(after records: [[Value]], mode: TableTarget.Mode) async throws -> [String] {
        let target = try Target(
            """
            CREATE TABLE t (id INTEGER PRIMARY KEY, name, changed, kept DEFAULT 'k');
            INSERT INTO t VALUES (1, 'old', 10, 'x'), (2, 'old', 20, 'y'), (3, 'old', NULL, 'z');
            """,
            mode: mode
        )
        try await target.table.prepare(schema)
        #expect(try await target.table.write(Sample.batch(schema, records), for: .first).isWritten)
        return try target.rows()
    }

    @Test("Columns that the query does not give stay as they are")
    func upsert() async throws {
        let records: [[Value]] = [
            [.integer(1), .text("new"), .integer(5)], [.integer(4), .text("new"), .null],
            [.integer(4), .text("newer"), .null],
        ]
        let expected = ["1|new|5|x", "2|old|20|y", "3|old|NULL|z", "4|newer|NULL|k"]
        #expect(try await rows(after: records, mode: .upsert(unlessNewer: nil)) == expected)
    }

    @Test("With unless-newer, a row that was renewed since stays; one as old, or without a date, is renewed")
    func unlessNewer() async throws {
        let records: [[Value]] = [
            [.integer(1), .text("new"), .integer(9)], [.integer(2), .text("new"), .integer(20)],
            [.integer(3), .text("new"), .integer(1)], [.integer(1), .text("undated"), .null],
            [.integer(4), .text("new"), .null],
        ]
        let expected = ["1|old|10|x", "2|new|20|y", "3|new|1|z", "4|new|NULL|k"]
        #expect(try await rows(after: records, mode: .upsert(unlessNewer: "CHANGED")) == expected)
    }

    @Test("A query of nothing but the key adds the rows that are missing")
    func onlyKey() async throws {
        let target = try Target(mode: .upsert(unlessNewer: nil))
        try execute("INSERT INTO t VALUES (1, 'kept')", on: target.file)
        let batch = Sample.batch(Sample.schema("id"), [[.integer(1)], [.integer(2)]])
        #expect(try await target.table.write(batch, for: .first).isWritten)
        #expect(try target.rows() == ["1|kept", "2|NULL"])
    }
}
