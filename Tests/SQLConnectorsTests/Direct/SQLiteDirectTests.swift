import Foundation
import TestSupport
import Testing

@testable import SQLConnectors

@Suite("A SQLite source is read by ranges of keys, in its own order, whole and without a copy")
struct SQLiteDirectTests {
    private func query(_ sql: String, key: String = "id", _ parameters: [String: Value] = [:]) -> SourceQuery {
        SourceQuery(name: "q", sql: sql, origin: "q.sql", key: key, parameters: parameters)
    }

    @Test(
        "Keys of every kind, collation and mixture: the parts are even and hold everything once, also when reading is given up and begun again",
        arguments: [
            "id INTEGER PRIMARY KEY", "id TEXT PRIMARY KEY", "id TEXT COLLATE NOCASE PRIMARY KEY",
            "id TEXT COLLATE RTRIM UNIQUE",
            "id BLOB PRIMARY KEY", "id REAL PRIMARY KEY", "id UNIQUE", "id NUMERIC UNIQUE",
        ]
    )
    func keys(column: String) async throws {
        var random = SplitMix64(seed: 7)
        for mode in ["WAL", "DELETE"] {
            let folder = try ScratchFolder()
            let source = try folder.database(
                "source.sqlite",
                "PRAGMA journal_mode = \(mode); CREATE TABLE t (\(column), name)"
            )
            let values =
                [
                    "9007199254740993", "-9223372036854775808", "9223372036854775807", "0", "1e308", "9e999", "-9e999",
                    "0.1",
                    "''", "'a'", "'B'", "'c '", "'ä'", "'漢字'", "'1'", "'a' || char(0) || 'b'", "x''", "x'00ff'",
                    "x'61'",
                ] + (0..<300).map { _ in "\(Int64.random(in: -5000...5000, using: &random))" }
                + (0..<100).map { _ in "'k\(Int.random(in: 0...5000, using: &random))'" }
            for value in values {
                try execute(
                    "INSERT OR IGNORE INTO t SELECT \(column.contains("INTEGER") ? "CAST(\(value) AS INTEGER)" : value), 'n'",
                    on: source
                )
            }
            try await ReadingDirectly.expectAll(
                SQLiteSource(source),
                query("SELECT name, id FROM t WHERE name = :name; -- all of them", ["name": .text("n")]),
                ordered: "SELECT name, id FROM t WHERE name = :name ORDER BY id",
                in: folder,
                using: &random
            )
        }
    }

    @Test(
        "A NULL key, one that occurs twice in the key's own order, and text that is not UTF-8 where a part begins are named"
    )
    func badKeys() async throws {
        let folder = try ScratchFolder()
        let file = try folder.database(
            "source.sqlite",
            """
            CREATE TABLE t (id TEXT COLLATE NOCASE, name); INSERT INTO t VALUES ('a', 1), ('b', 2), (NULL, 3), (NULL, 4);
            CREATE TABLE u (id TEXT COLLATE NOCASE); INSERT INTO u VALUES ('a'), ('b'), ('B');
            CREATE TABLE v (id TEXT); INSERT INTO v VALUES ('a'), (CAST(x'62ff' AS TEXT));
            """
        )
        let source = SQLiteSource(file)
        func failure(_ sql: String) async -> String {
            await SQLConnectorsTests.message(of: {
                _ = try await source.cut(query(sql), into: { Int($0) }, progress: { _ in })
            })
        }
        let missing = await failure("SELECT * FROM t")
        #expect(missing.contains("SourceError: q.sql: query q: the key column id is NULL in 2 records"))
        let repeated = await failure("SELECT * FROM u")
        #expect(
            repeated.contains("the key b occurs more than once")
                || repeated.contains("the key B occurs more than once"),
            "\(repeated)"
        )
        #expect(await failure("SELECT * FROM v").contains("bytes that are not UTF-8"))
        #expect(await failure("SELECT 1 AS id UNION ALL SELECT 1").contains("the key 1 occurs more than once"))
    }

    @Test("No records are no parts")
    func nothing() async throws {
        let folder = try ScratchFolder()
        let source = SQLiteSource(try folder.database("source.sqlite", "CREATE TABLE t (id INTEGER PRIMARY KEY)"))
        let cut = try await source.cut(query("SELECT id FROM t WHERE id < 0"), into: { _ in 4 }, progress: { _ in })
        #expect(cut.recordCount == 0 && cut.starts.isEmpty)
    }

    @Test(
        "In WAL mode a reading sees one instant and keeps no writer waiting; else each batch is one, and writers wait for none"
    )
    func instants() async throws {
        for (mode, seen) in [("WAL", [1, 2, 3, 4, 5, 6]), ("DELETE", [1, 2, 4, 5, 6, 7])] {
            let folder = try ScratchFolder()
            let file = try folder.database(
                "source.sqlite",
                "PRAGMA journal_mode = \(mode); CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2), (3), (4), (5), (6)"
            )
            let reading = try SQLiteSource(file).read(query("SELECT id FROM t"), KeyRange())
            let limit = BatchLimit(records: 2, bytes: .max)
            var read = ReadingDirectly.values(try await reading.next(from: 1, limit: limit))
            try execute("DELETE FROM t WHERE id = 3; INSERT INTO t VALUES (0), (7)", on: file)
            while true {
                let batch = try await reading.next(from: 1, limit: limit)
                if batch.count == 0 { break }
                read += ReadingDirectly.values(batch)
            }
            #expect(read == seen.map { [Value.integer(Int64($0))] }, "\(mode)")
        }
    }

    @Test("A batch ends at its bytes, and a wider record comes alone")
    func bytes() async throws {
        let folder = try ScratchFolder()
        let file = try folder.database(
            "source.sqlite",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 'ab'), (2, zeroblob(100)), (3, 'c'), (4, 'd'), (5, NULL)"
        )
        let reading = try SQLiteSource(file).read(query("SELECT id, v FROM t"), KeyRange())
        var sizes: [Int] = []
        while true {
            let batch = try await reading.next(from: 1, limit: BatchLimit(records: 10, bytes: 25))
            if batch.count == 0 { break }
            sizes.append(batch.count)
        }
        #expect(sizes == [1, 1, 2, 1])
    }

    @Test("Where no index gives the order, plan says so")
    func sorting() async throws {
        let folder = try ScratchFolder()
        let file = try folder.database(
            "source.sqlite",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO t VALUES (1, 'a')"
        )
        let source = SQLiteSource(file)
        let one = try #require(RecordKey(.integer(1)))
        #expect(try await source.remarks(on: query("SELECT id, name FROM t ORDER BY name"), around: one).isEmpty)
        let remarks = try await source.remarks(on: query("SELECT DISTINCT id, name FROM t"), around: one)
        #expect(remarks.count == 1 && remarks[0].contains("no index gives them in the order of id"))
        #expect(remarks[0].contains("not in WAL mode"))
    }

    @Test("A reading that sorts for long is ended when its task is cancelled", .timeLimit(.minutes(1)))
    func cancelled() async throws {
        let folder = try ScratchFolder()
        let source = SQLiteSource(try folder.database())
        let endless = query(numbers(2_000_000_000, "n % 1000003 AS id"))
        let (reading, limit) = (try source.read(endless, KeyRange()), BatchLimit(records: 1, bytes: .max))
        let task = Task { try await reading.next(from: 1, limit: limit) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("Batches with the same keys have the same checksum, others do not")
    func checksums() {
        func batch(_ keys: [Value], _ name: String = "x") -> RecordBatch {
            var builder = RecordBatchBuilder(
                schema: RecordSchema(columns: [Column(name: "name"), Column(name: "id")], keyIndex: 1),
                firstOrdinal: 1
            )
            for key in keys {
                builder.append(.text(name))
                builder.append(key)
                builder.endRecord()
            }
            return builder.finish()
        }
        let keys: [Value] = [.integer(1), .text("ab"), .text("c"), .blob([1])]
        #expect(batch(keys).keyChecksum == batch(keys, "another name").keyChecksum)
        #expect(batch([.integer(9)] + keys).slice(1..<5).keyChecksum == batch(keys).keyChecksum)
        for other: [Value] in [
            [.integer(1), .text("a"), .text("bc"), .blob([1])], [.text("ab"), .integer(1), .text("c"), .blob([1])],
            [.real(1), .text("ab"), .text("c"), .blob([1])], [.integer(1), .text("ab"), .text("c"), .text("\u{1}")],
        ] { #expect(batch(other).keyChecksum != batch(keys).keyChecksum) }
    }
}
