import BackfillKit
import Foundation
import GRDB
import TestSupport
import Testing

@Suite("A store whose first write was broken off can be looked at")
struct BrokenOffStoreTests {
    @Test("What was half written is taken back, and there are no runs")
    func hotJournal() async throws {
        let folder = try ScratchFolder()
        let (file, copy) = (folder.file("writing.sqlite"), folder.file("backfill.sqlite"))
        let writer = try DatabaseQueue(path: file.path)
        try await writer.writeWithoutTransaction { db in
            // Nothing is kept in memory, so that the file and its journal are as a process leaves them that ends now.
            try db.execute(
                sql: """
                    CREATE TABLE other (text); PRAGMA cache_size = 1; BEGIN;
                    INSERT INTO other WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT hex(randomblob(200)) FROM n
                    """
            )
            for suffix in ["", "-journal"] {
                try FileManager.default.copyItem(atPath: file.path + suffix, toPath: copy.path + suffix)
            }
            try db.execute(sql: "ROLLBACK")
        }

        let store = try RunStore(reading: copy)

        #expect(try await store.runs().isEmpty)
    }
}
