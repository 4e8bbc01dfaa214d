import Foundation
import GRDB
import TestSupport
import Testing

@testable import BackfillKit

@Suite("What a ledger may pass is on the disk before")
struct RunDatabaseTests {
    /// As SQLite numbers them.
    private static let (normal, full) = (1, 2)

    @Test("Plans and dead letters are synced with their commit, checkpoints are not; neither changes the other's")
    func durability() async throws {
        let folder = try ScratchFolder()
        let store = try RunStore(file: folder.file("backfill.sqlite"))
        let level: @Sendable (any StoreTransaction) throws -> Int? = { try Int.fetchOne($0, sql: "PRAGMA synchronous") }

        #expect(try await store.database.write { try level($0) } == Self.full)
        #expect(try await store.database.write(.unsynced) { try level($0) } == Self.normal)
        #expect(try await store.database.write { try level($0) } == Self.full)
    }

    @Test("A write that fails leaves nothing, and the next one works")
    func failure() async throws {
        struct Wrong: Error {}
        let folder = try ScratchFolder()
        let store = try RunStore(file: folder.file("backfill.sqlite"))

        await #expect(throws: Wrong.self) {
            try await store.database.write { db in
                try db.execute(sql: "CREATE TABLE half (id)")
                throw Wrong()
            }
        }

        let tables = try await store.database.read { db in
            try String.fetchAll(db, sql: "SELECT name FROM sqlite_master WHERE name = 'half'")
        }
        #expect(tables.isEmpty)
    }
}
