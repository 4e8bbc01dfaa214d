import Foundation
import TestSupport
import Testing

@testable import SQLConnectors

@Suite(
    "A full disk is said to be full, and costs nothing but time",
    .enabled(if: SmallDisk.isAllowed, "mounting needs root")
)
struct DiskFullTests {
    @Test("Staging leaves nothing on the disk")
    func staging() async throws {
        let disk = try #require(try SmallDisk(kilobytes: 256))
        let folder = try ScratchFolder()
        let source = try folder.database("source.sqlite", "CREATE TABLE t (id)")
        let query = SourceQuery(name: "q", sql: numbers(100_000), origin: "q.sql", key: "id")
        let text = await message {
            _ = try await SQLiteSource(source).stage(query, as: "result.sqlite", in: disk.folder)
        }
        #expect(
            text.hasPrefix(
                "StagingFailed: The disk is full: the result of query q does not fit into \(disk.folder.path)"
            )
        )
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk.folder.path).isEmpty)
        try disk.grow(toKilobytes: 8192)
        let staged = try await SQLiteSource(source).stage(query, as: "result.sqlite", in: disk.folder)
        #expect(staged.recordCount == 100_000)
    }

    @Test("A table takes nothing of a batch that does not fit, and the whole of it when there is room")
    func table() async throws {
        let disk = try #require(try SmallDisk(kilobytes: 512))
        let database = disk.folder.appending(path: "target.sqlite")
        let table = SQLiteTable(database, TableTarget(table: "t", mode: .append, create: true))
        try await table.prepare(Sample.schema("id", "name"))
        let first = try await table.write(Sample.customers(1..<10), for: .first)
        #expect(first.isWritten)
        let large = Sample.customers(10..<40_000)
        let text = await message { _ = try await table.write(large, for: .first) }
        #expect(text.hasPrefix("TargetUnavailable: The disk is full: the table t in \(database.path)"))
        #expect(try rows("SELECT count(*) FROM t", in: database) == ["9"])
        try disk.grow(toKilobytes: 16384)
        let second = try await table.write(large, for: .first)
        #expect(second.isWritten)
        #expect(try rows("SELECT count(*), count(DISTINCT id) FROM t", in: database) == ["39999|39999"])
        await table.close()
    }
}
