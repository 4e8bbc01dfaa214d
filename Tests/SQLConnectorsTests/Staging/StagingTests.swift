import Foundation
import TestSupport
import Testing

@testable import SQLConnectors

@Suite("A staged result is whole, or it is not there")
struct StagingTests {
    @Test("Ordinals are 1…N without gaps, in the query's own order")
    func ordinals() async throws {
        let folder = try ScratchFolder()
        let source = try folder.database("source.sqlite", "CREATE TABLE t (id); INSERT INTO t \(numbers(5000));")
        let staged = try await folder.stage(
            "SELECT id FROM t WHERE id % 7 <> 0 ORDER BY id % 10, id DESC",
            from: source
        )
        let expected = try rows("SELECT id FROM t WHERE id % 7 <> 0 ORDER BY id % 10, id DESC", in: source)
        #expect(staged.recordCount == Int64(expected.count))
        let file = staged.location(in: folder.url)
        #expect(try rows("SELECT id FROM records ORDER BY _ordinal", in: file) == expected)
        #expect(
            try rows("SELECT min(_ordinal), max(_ordinal), count(*) FROM records", in: file) == [
                "1|\(expected.count)|\(expected.count)"
            ]
        )
    }

    @Test("Parameters are bound, never spliced")
    func parameters() async throws {
        let folder = try ScratchFolder()
        let source = try folder.database(
            "source.sqlite",
            "CREATE TABLE t (id, name); INSERT INTO t VALUES (1, 'x'' OR 1=1 --'), (2, 'b');"
        )
        let staged = try await folder.stage(
            "SELECT id FROM t WHERE name = :name AND id < $limit",
            parameters: ["name": .text("x' OR 1=1 --"), "limit": .integer(5)],
            from: source
        )
        #expect(staged.recordCount == 1)
    }

    @Test("No rows is a result of no records")
    func noRows() async throws {
        let folder = try ScratchFolder()
        let source = try folder.database("source.sqlite", "CREATE TABLE t (id)")
        let staged = try await folder.stage("SELECT id FROM t", from: source)
        #expect(staged.recordCount == 0)
        try await staged.verify(in: folder.url)
        let reader = try folder.reader(of: staged)
        #expect(try await reader.read(from: 1, to: 1, limit: BatchLimit(records: 10, bytes: 10)).count == 0)
        #expect(try await reader.firstDuplicateKey() == nil)
        for try await sizes in reader.sizes() { Issue.record("there are no records, but sizes: \(sizes)") }
    }

    @Test("A table of the source may have any of the names that staging uses")
    func namesOfTheSource() async throws {
        let folder = try ScratchFolder()
        let source = try folder.database(
            "source.sqlite",
            "CREATE TABLE records (id); CREATE TABLE meta (id); INSERT INTO records VALUES (1); INSERT INTO meta VALUES (2);"
        )
        let staged = try await folder.stage(
            "SELECT id FROM records UNION ALL SELECT id FROM meta ORDER BY id",
            from: source
        )
        #expect(try rows("SELECT id FROM records", in: staged.location(in: folder.url)) == ["1", "2"])
    }

    @Test("A NULL key names the query, the column and the first bad record, and leaves nothing")
    func nullKey() async throws {
        let folder = try ScratchFolder()
        let source = try folder.database(
            "source.sqlite",
            "CREATE TABLE t (id, n); INSERT INTO t VALUES (1, 1), (NULL, 2), (NULL, 3);"
        )
        let text = await message { _ = try await folder.stage("SELECT id FROM t ORDER BY n", from: source) }
        #expect(text.hasPrefix("SourceError: q.sql: query q: the key column id is NULL in record 2 "))
        #expect(try folder.names == ["source.sqlite"])
    }

    @Test("What an earlier crash left aside is overwritten, and a finished result of the same name replaced")
    func leftovers() async throws {
        let folder = try ScratchFolder()
        let source = try folder.database("source.sqlite", "CREATE TABLE t (id); INSERT INTO t VALUES (1)")
        try Data("half a database".utf8).write(to: folder.file("result.sqlite.partial"))
        let first = try await folder.stage("SELECT id FROM t", from: source)
        let second = try await folder.stage("SELECT id FROM t UNION ALL SELECT 2", from: source)
        #expect((first.recordCount, second.recordCount) == (1, 2))
        try await second.verify(in: folder.url)
        #expect(try folder.names == ["result.sqlite", "source.sqlite"])
    }

    @Test("Files are for their owner alone")
    func permissions() async throws {
        let folder = try ScratchFolder()
        let source = try folder.database("source.sqlite", "CREATE TABLE t (id)")
        let staged = try await folder.stage("SELECT id FROM t", from: source)
        let attributes = try FileManager.default.attributesOfItem(atPath: staged.location(in: folder.url).path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }

    @Test("An error in a late row names the query, and leaves nothing")
    func lateError() async throws {
        let folder = try ScratchFolder()
        let source = try folder.database("source.sqlite", "CREATE TABLE t (id)")
        let text = await message {
            _ = try await folder.stage(
                numbers(3000, "n AS id, abs(CASE n WHEN 2999 THEN -9223372036854775807 - 1 ELSE n END) AS a"),
                from: source
            )
        }
        #expect(text == "SourceError: q.sql: query q: integer overflow.")
        #expect(try folder.names == ["source.sqlite"])
    }

    @Test("A folder that is not there is named")
    func noFolder() async throws {
        let folder = try ScratchFolder()
        let source = try folder.database("source.sqlite", "CREATE TABLE t (id)")
        let query = SourceQuery(name: "q", sql: "SELECT id FROM t", origin: "q.sql", key: "id")
        let text = await message {
            _ = try await SQLiteSource(source).stage(query, as: "result.sqlite", in: folder.file("none"))
        }
        #expect(
            text.hasPrefix("StagingFailed") && text.contains("none/result.sqlite")
                && text.contains("No such file or directory")
        )
    }

    @Test("Cancelling ends even a query without end, and leaves nothing")
    func cancelling() async throws {
        let folder = try ScratchFolder()
        let source = try folder.database("source.sqlite", "CREATE TABLE t (id)")
        let (progress, reported) = AsyncStream.makeStream(of: Int64.self)
        let staging = Task {
            try await folder.stage(
                "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n AS id FROM c",
                from: source,
                progress: { reported.yield($0) }
            )
        }
        // The first report shows that it runs, and that it counts.
        var reports = progress.makeAsyncIterator()
        #expect(try #require(await reports.next()) > 0)
        staging.cancel()
        await #expect(throws: CancellationError.self) { try await staging.value }
        #expect(try folder.names == ["source.sqlite"])
    }

    @Test("A task that is cancelled already stages nothing")
    func cancelledBefore() async throws {
        let folder = try ScratchFolder()
        let source = try folder.database("source.sqlite", "CREATE TABLE t (id)")
        let staging = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await folder.stage("SELECT id FROM t", from: source)
        }
        await #expect(throws: CancellationError.self) { try await staging.value }
        #expect(try folder.names == ["source.sqlite"])
    }

    @Test("The source is never written to, not even by its own journal")
    func sourceUntouched() async throws {
        let folder = try ScratchFolder()
        let source = try folder.database("source.sqlite", "CREATE TABLE t (id); INSERT INTO t \(numbers(100));")
        let before = try Data(contentsOf: source)
        _ = try await folder.stage("SELECT id FROM t", from: source)
        #expect(try Data(contentsOf: source) == before)
    }

    @Test("A source in WAL mode that another program writes to is read as it was committed")
    func writtenMeanwhile() async throws {
        let folder = try ScratchFolder()
        let source = try folder.database(
            "source.sqlite",
            "PRAGMA journal_mode = WAL; CREATE TABLE t (id); INSERT INTO t VALUES (1)"
        )
        let other = try connect(source)
        try other.execute("BEGIN IMMEDIATE; INSERT INTO t VALUES (2)")
        let staged = try await folder.stage("SELECT id FROM t", from: source)
        #expect(staged.recordCount == 1)
        try other.execute("COMMIT")
    }
}

@Suite("A staged result that was changed is found out and named")
struct StagedResultTests {
    enum Damage: CaseIterable {
        case missing, cut, changed
    }

    @Test("Verified", arguments: Damage.allCases)
    func verify(damage: Damage) async throws {
        let folder = try ScratchFolder()
        let source = try folder.database("source.sqlite", "CREATE TABLE t (id); INSERT INTO t \(numbers(1000));")
        let staged = try await folder.stage("SELECT id FROM t", from: source)
        try await staged.verify(in: folder.url)
        let file = staged.location(in: folder.url)
        var content = try Data(contentsOf: file)
        let expected: String
        switch damage {
        case .missing:
            try FileManager.default.removeItem(at: file)
            expected = "is missing"
        case .cut:
            try content.dropLast(100).write(to: file)
            expected = "has \(staged.fileSize - 100) bytes instead of \(staged.fileSize)"
        case .changed:
            content[content.count / 2] ^= 1
            try content.write(to: file)
            expected = "its checksum differs"
        }
        let text = await message { try await staged.verify(in: folder.url) }
        #expect(text.hasPrefix("StagedResultDamaged: The staged result \(file.path)") && text.contains(expected))
    }

    @Test("It is the same after it was written down as JSON")
    func coding() async throws {
        let folder = try ScratchFolder()
        let source = try folder.database("source.sqlite", "CREATE TABLE t (id)")
        let staged = try await folder.stage("SELECT id FROM t", from: source)
        #expect(try JSONDecoder().decode(StagedResult.self, from: JSONEncoder().encode(staged)) == staged)
    }
}
