import Foundation
import TestSupport
import Testing

@testable import SQLConnectors

@Suite("A target that fails takes nothing, blames no record, and works again when it is mended")
struct TableUnavailableTests {
    /// A write fails as unavailable with these words, takes nothing, and goes on after mending.
    private func expectUnavailable(
        _ target: Target,
        says part: String,
        breaking: () throws -> Void,
        mending: () throws -> Void
    ) async throws {
        try await target.table.prepare(Sample.schema("id", "name"))
        #expect(try await target.table.write(Sample.customers(1..<3), for: .first).isWritten)
        try breaking()
        for _ in 0..<2 {
            let text = await message { _ = try await target.table.write(Sample.customers(3..<5), for: .first) }
            #expect(text.hasPrefix("TargetUnavailable: ") && text.contains(part), "\(text)")
        }
        try mending()
        #expect(try target.next() == ["3"])
        #expect(try await target.table.write(Sample.customers(1..<5), for: .first).isWritten)
        #expect(try target.rows("SELECT id FROM t ORDER BY id") == ["1", "2", "3", "4"])
    }

    @Test("Locked by another program")
    func locked() async throws {
        let target = try Target()
        let other = try connect(target.file)
        try await expectUnavailable(
            target,
            says: "is locked by another program",
            breaking: { try other.execute("BEGIN IMMEDIATE") },
            mending: { try other.execute("ROLLBACK") }
        )
    }

    @Test("The table is gone")
    func tableGone() async throws {
        let target = try Target()
        try await expectUnavailable(
            target,
            says: "no such table",
            breaking: { try execute("ALTER TABLE t RENAME TO u", on: target.file) },
            mending: { try execute("ALTER TABLE u RENAME TO t", on: target.file) }
        )
    }

    @Test("A column is gone")
    func columnGone() async throws {
        let target = try Target()
        try await expectUnavailable(
            target,
            says: "no column named name",
            breaking: { try execute("ALTER TABLE t RENAME COLUMN name TO called", on: target.file) },
            mending: { try execute("ALTER TABLE t RENAME COLUMN called TO name", on: target.file) }
        )
    }

    @Test("The file is moved away under the open connection, where SQLite would write on into it")
    func fileMoved() async throws {
        let target = try Target()
        let names = ["", "-wal", "-shm"]
        let aside = target.folder.file("aside.sqlite")
        try await expectUnavailable(
            target,
            says: "target.sqlite cannot be written",
            breaking: {
                // The log goes along, as when the folder is moved.
                for name in names {
                    try FileManager.default.moveItem(atPath: target.file.path + name, toPath: aside.path + name)
                }
            },
            mending: {
                for name in names where FileManager.default.fileExists(atPath: aside.path + name) {
                    try FileManager.default.moveItem(atPath: aside.path + name, toPath: target.file.path + name)
                }
            }
        )
    }

    @Test("Every batch of a failed group is told")
    func wholeGroup() throws {
        let target = try Target()
        let writer = SQLiteTableWriter(target.file, target.description)
        try writer.prepare(Sample.schema("id", "name"))
        try execute("DROP TABLE t", on: target.file)
        let items = (0..<3).map { bucket in
            LedgeredBatch(records: Sample.customers(1..<3), key: LedgerKey(run: "r", bucket: "\(bucket)"))
        }
        let outcomes = writer.commit(items)
        #expect(outcomes.count == 3)
        for outcome in outcomes { #expect(throws: TargetUnavailable.self) { try outcome.get() } }
    }

    @Test("Locked while it is prepared")
    func lockedPreparation() async throws {
        let target = try Target("PRAGMA journal_mode = WAL; CREATE TABLE t (id, name)")
        let other = try connect(target.file)
        try other.execute("BEGIN IMMEDIATE")
        let text = await message { try await target.table.prepare(Sample.schema("id", "name")) }
        #expect(text.hasPrefix("TargetUnavailable: ") && text.contains("is locked by another program"))
        try other.execute("ROLLBACK")
        try await target.table.prepare(Sample.schema("id", "name"))
    }
}
