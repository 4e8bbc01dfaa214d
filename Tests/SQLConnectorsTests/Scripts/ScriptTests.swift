import Foundation
import TestSupport
import Testing

@testable import SQLConnectors

@Suite("A script has its effect once, or none")
struct ScriptTests {
    private static let key = LedgerKey(run: "r", bucket: "hook/after/1/pass 1")

    private func script(_ sql: String) -> SQLScript { SQLScript(name: "hook after/1", sql: sql, origin: "after.sql") }

    @Test("In SQLite: once for a key, all statements or none")
    func sqlite() async throws {
        let folder = try ScratchFolder()
        let file = folder.file("t.sqlite")
        let database = SQLiteScriptDatabase(file, creates: true, busyTimeout: .zero)
        let effect = script("CREATE TABLE IF NOT EXISTS t (n); INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)")
        for _ in 0..<3 { try await database.runOnce(effect, as: Self.key) }
        #expect(try rows("SELECT count(*) FROM t", in: file) == ["2"])
        try await database.runOnce(effect, as: LedgerKey(run: "r", bucket: "hook/after/1/pass 2"))
        #expect(try rows("SELECT count(*) FROM t", in: file) == ["4"])

        let other = LedgerKey(run: "r", bucket: "other")
        let half = await message {
            try await database.runOnce(self.script("DELETE FROM t; SELECT nonsense"), as: other)
        }
        #expect(half == "ScriptError: after.sql: hook after/1: no such column: nonsense.")
        let ends = await message { try await database.runOnce(self.script("DELETE FROM t; COMMIT"), as: other) }
        #expect(ends.contains("begins or ends a transaction of its own"))
        #expect(try rows("SELECT count(*) FROM t", in: file) == ["4"])

        let mistyped = SQLiteScriptDatabase(folder.file("mistyped.sqlite"), creates: false)
        let missing = await message { try await mistyped.runOnce(effect, as: other) }
        #expect(missing.contains("mistyped.sqlite does not exist"))
        #expect(try !folder.names.contains("mistyped.sqlite"))

        let holder = try connect(file)
        try holder.execute("BEGIN IMMEDIATE")
        let locked = await message { try await database.runOnce(effect, as: other) }
        #expect(locked.hasPrefix("TargetUnavailable: hook after/1: the database"))
        try holder.execute("ROLLBACK")
        try await database.runOnce(effect, as: other)
        #expect(try rows("SELECT count(*) FROM t", in: file) == ["6"])
    }

    @Test("In PostgreSQL: once for a key, all statements or none", .enabled(if: TestPostgreSQL.isThere))
    func postgresql() async throws {
        let schema = try PostgreSQLSchema("CREATE TABLE t (n int)")
        let database = PostgreSQLScriptDatabase(try schema.server, name: "the test database")
        let effect = script("INSERT INTO t VALUES (1);\nINSERT INTO t VALUES (2);")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 { group.addTask { try await database.runOnce(effect, as: Self.key) } }
            try await group.waitForAll()
        }
        #expect(try schema.rows("SELECT count(*) FROM t") == ["2"])

        let other = LedgerKey(run: "r", bucket: "other")
        let half = await message {
            try await database.runOnce(self.script("DELETE FROM t;\nSELECT nonsense"), as: other)
        }
        #expect(
            half == "ScriptError: after.sql: hook after/1: column \"nonsense\" does not exist (line 2 of the script)."
        )
        let vacuum = await message { try await database.runOnce(self.script("VACUUM t"), as: other) }
        #expect(vacuum.hasPrefix("ScriptError: ") && vacuum.contains("transaction block"))
        #expect(try schema.rows("SELECT count(*) FROM t") == ["2"])
        let ends = await message { try await database.runOnce(self.script("DELETE FROM t; COMMIT"), as: other) }
        #expect(ends.contains("begins or ends a transaction of its own"))

        let nowhere = PostgreSQLScriptDatabase(
            try PostgreSQLServer("host=127.0.0.1 port=1 connect_timeout=2"),
            name: "nowhere"
        )
        let gone = await message { try await nowhere.runOnce(effect, as: Self.key) }
        #expect(gone.hasPrefix("TargetUnavailable: hook after/1: the database nowhere cannot be written just now"))
    }
}
