import Foundation
import Testing

@testable import SQLConnectors
import TestSupport

@Suite("A reader gives each record once, in batches within their limits")
struct StagedReaderTests {
    /// A staged result of `count` records whose second column is text of a random length.
    private func stage(_ count: Int, widest: Int, seed: UInt64, in folder: ScratchFolder) async throws -> (
        StagedResult, [Int]
    ) {
        var random = SplitMix64(seed: seed)
        let lengths = (0..<count).map { _ in Int.random(in: 0...widest, using: &random) }
        let source = try folder.database(
            "source.sqlite",
            "CREATE TABLE t (id, body); BEGIN;"
                + lengths.enumerated().map {
                    "INSERT INTO t VALUES (\($0 + 1), substr(hex(zeroblob(\($1))), 1, \($1)));"
                }.joined()
                + "COMMIT;"
        )
        return (try await folder.stage("SELECT id, body FROM t ORDER BY id", from: source), lengths.map { 8 + $0 })
    }

    @Test("Any range, any limits", arguments: [21, 22, 23, 24] as [UInt64])
    func limits(seed: UInt64) async throws {
        let folder = try ScratchFolder()
        let (staged, sizes) = try await stage(300, widest: 200, seed: seed, in: folder)
        let reader = try folder.reader(of: staged)
        var random = SplitMix64(seed: seed &+ 1000)
        for _ in 0..<20 {
            let start = Int64.random(in: 1...300, using: &random)
            let end = Int64.random(in: start...301, using: &random)
            let limit = BatchLimit(
                records: Int.random(in: 1...60, using: &random),
                bytes: Int.random(in: 1...3000, using: &random)
            )
            var ordinal = start
            while ordinal < end {
                let batch = try await reader.read(from: ordinal, to: end, limit: limit)
                #expect(batch.firstOrdinal == ordinal && batch.endOrdinal <= end && batch.count > 0, "seed \(seed)")
                #expect(batch.count <= limit.records, "seed \(seed)")
                let expected = sizes[Int(ordinal - 1)..<Int(batch.endOrdinal - 1)].reduce(0, +)
                #expect(batch.byteCount == expected, "seed \(seed)")
                #expect(batch.byteCount <= limit.bytes || batch.count == 1, "seed \(seed)")
                // As large as it may be: one record more would break a limit.
                if batch.count < limit.records, batch.endOrdinal < end {
                    #expect(batch.byteCount + sizes[Int(batch.endOrdinal - 1)] > limit.bytes, "seed \(seed)")
                }
                #expect((0..<batch.count).allSatisfy { batch[$0, 0] == .integer(ordinal + Int64($0)) }, "seed \(seed)")
                ordinal = batch.endOrdinal
            }
        }
    }

    @Test("A record larger than the limit comes alone")
    func wideRecord() async throws {
        let folder = try ScratchFolder()
        let source = try folder.database(
            "source.sqlite",
            "CREATE TABLE t (id, body); INSERT INTO t VALUES (1, 'a'), (2, zeroblob(1048576)), (3, 'b');"
        )
        let staged = try await folder.stage("SELECT * FROM t ORDER BY id", from: source)
        let reader = try folder.reader(of: staged)
        var counts: [Int] = []
        var ordinal: Int64 = 1
        while ordinal < 4 {
            let batch = try await reader.read(from: ordinal, to: 4, limit: BatchLimit(records: 10, bytes: 1000))
            counts.append(batch.count)
            ordinal = batch.endOrdinal
        }
        #expect(counts == [1, 1, 1])
    }

    @Test("The largest limits reserve no more than the records need")
    func largestLimits() async throws {
        let folder = try ScratchFolder()
        let (staged, _) = try await stage(10, widest: 5, seed: 1, in: folder)
        let batch = try await folder.reader(of: staged).read(
            from: 1,
            to: 11,
            limit: BatchLimit(records: .max, bytes: .max)
        )
        #expect(batch.count == 10)
    }

    @Test("A range without records is an empty batch")
    func emptyRange() async throws {
        let folder = try ScratchFolder()
        let (staged, _) = try await stage(10, widest: 5, seed: 1, in: folder)
        let reader = try folder.reader(of: staged)
        for end in [5, 4, 1] as [Int64] {
            let batch = try await reader.read(from: 5, to: end, limit: BatchLimit(records: 10, bytes: 10))
            #expect(batch.count == 0 && batch.firstOrdinal == 5)
        }
    }

    @Test("A record that is missing is damage, not the end")
    func missingRecord() async throws {
        let folder = try ScratchFolder()
        let (staged, _) = try await stage(10, widest: 5, seed: 1, in: folder)
        try execute("DELETE FROM records WHERE _ordinal = 7", on: staged.location(in: folder.url))
        let text = await message {
            _ = try await folder.reader(of: staged).read(from: 5, to: 10, limit: BatchLimit(records: 10, bytes: 1000))
        }
        #expect(text.hasPrefix("StagedResultDamaged") && text.contains("has no record 7"))
    }

    @Test("Opening a result that is missing names the file")
    func missingFile() async throws {
        let folder = try ScratchFolder()
        let (staged, _) = try await stage(1, widest: 5, seed: 1, in: folder)
        try FileManager.default.removeItem(at: staged.location(in: folder.url))
        let text = await message { _ = try folder.reader(of: staged) }
        #expect(text.hasPrefix("StagedResultDamaged") && text.contains("result.sqlite is missing"))
    }

    @Test("Sizes are those of the records, however many there are")
    func sizes() async throws {
        let folder = try ScratchFolder()
        let source = try folder.database("source.sqlite", "CREATE TABLE t (id)")
        let staged = try await folder.stage(
            numbers(120_001, "n AS id, CASE n % 3 WHEN 0 THEN NULL WHEN 1 THEN 'abc' ELSE 1.5 END AS v"),
            from: source
        )
        var sizes: [Int] = []
        for try await part in try folder.reader(of: staged).sizes() { sizes += part }
        #expect(sizes == (1...120_001).map { [8, 11, 16][$0 % 3] })
    }

    @Test("Several readers read the same result at once")
    func parallel() async throws {
        let folder = try ScratchFolder()
        let (staged, sizes) = try await stage(400, widest: 50, seed: 9, in: folder)
        let bytes = try await withThrowingTaskGroup(of: Int.self) { group in
            for part in 0..<4 {
                let reader = try folder.reader(of: staged)
                let range = Int64(part * 100 + 1)..<Int64(part * 100 + 101)
                group.addTask {
                    var (total, ordinal) = (0, range.lowerBound)
                    while ordinal < range.upperBound {
                        let batch = try await reader.read(
                            from: ordinal,
                            to: range.upperBound,
                            limit: BatchLimit(records: 7, bytes: 1 << 20)
                        )
                        (total, ordinal) = (total + batch.byteCount, batch.endOrdinal)
                    }
                    return total
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(bytes == sizes.reduce(0, +))
    }
}

@Suite("A record is found by its record id, whatever the key's type")
struct FindingTests {
    private static let keys = [
        "7", "'7'", "'a b'", "1.0", "0.1", "9e999", "x'00ff'", "''", "9223372036854775807", "'00ff'", "'7'",
    ]

    @Test(
        "Found",
        arguments: [
            ("7", [1, 2, 11]), ("a b", [3]), ("1.0", [4]), ("1", []), ("0.1", [5]), ("inf", [6]), ("00ff", [7, 10]),
            ("", [8]),
            ("9223372036854775807", [9]), ("none", []),
        ] as [(String, [Int64])]
    )
    func find(key: String, ordinals: [Int64]) async throws {
        let folder = try ScratchFolder()
        let source = try folder.database(
            "source.sqlite",
            "CREATE TABLE t (n INTEGER PRIMARY KEY, id);"
                + Self.keys.map { "INSERT INTO t (id) VALUES (\($0));" }.joined()
        )
        let staged = try await folder.stage("SELECT id, n FROM t ORDER BY n", from: source)
        let found = try await folder.reader(of: staged).find(key: key)
        #expect(found.map(\.firstOrdinal) == ordinals)
        for record in found {
            #expect(record.count == 1 && record.key(at: 0) == key && record[0, 1] == .integer(record.firstOrdinal))
        }
    }

    @Test("The first key that occurs twice is told with its first two records")
    func duplicates() async throws {
        let folder = try ScratchFolder()
        let source = try folder.database(
            "source.sqlite",
            "CREATE TABLE t (id); INSERT INTO t VALUES ('d'), ('b'), ('a'), ('c'), ('a'), ('b'), ('a');"
        )
        let staged = try await folder.stage("SELECT id FROM t ORDER BY rowid", from: source)
        #expect(
            try await folder.reader(of: staged).firstDuplicateKey() == DuplicateKey(recordID: "b", ordinals: [2, 6])
        )
        let unique = try await folder.stage("SELECT DISTINCT id FROM t", from: source)
        #expect(try await folder.reader(of: unique).firstDuplicateKey() == nil)
    }

    @Test("Telling one of very many duplicates reads the result a few times, not once for each")
    func manyDuplicates() async throws {
        let folder = try ScratchFolder()
        let source = try folder.database("source.sqlite", "CREATE TABLE t (id)")
        // Once for each would be forty thousand times forty thousand records, and hours.
        let staged = try await folder.stage(numbers(80_000, "(n - 1) % 40000 AS id"), from: source)
        #expect(
            try await folder.reader(of: staged).firstDuplicateKey()
                == DuplicateKey(recordID: "0", ordinals: [1, 40_001])
        )
    }
}
