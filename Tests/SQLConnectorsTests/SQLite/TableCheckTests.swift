import Foundation
import TestSupport
import Testing

@testable import SQLConnectors

@Suite("A target that cannot take the records says so before the first one")
struct TableCheckTests {
    struct Refusal: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var sql: String
        var mode: TableTarget.Mode
        var key: String?
        var create: Bool
        var parts: [String]

        init(
            _ description: String,
            _ sql: String,
            mode: TableTarget.Mode = .append,
            key: String? = nil,
            create: Bool = false,
            says parts: String...
        ) {
            testDescription = description
            self.sql = sql
            self.mode = mode
            self.key = key
            self.create = create
            self.parts = parts
        }
    }

    private static let upsert = TableTarget.Mode.upsert(unlessNewer: nil)
    private static let refusals: [Refusal] = [
        Refusal("no table", "CREATE TABLE other (id)", says: "The table t does not exist", "create: true"),
        Refusal(
            "columns missing",
            "CREATE TABLE t (id)",
            create: true,
            says: "lacks name, changed",
            "Its columns are id",
            "AS"
        ),
        Refusal(
            "a generated column",
            "CREATE TABLE t (id, name AS (id || 'x'), changed)",
            says: "The column name of table t is generated"
        ),
        Refusal(
            "a required column that the query does not give",
            "CREATE TABLE t (id, name, changed, region TEXT NOT NULL)",
            says: "The column region of table t is NOT NULL without a default"
        ),
        Refusal(
            "no unique key",
            "CREATE TABLE t (id, name, changed)",
            mode: upsert,
            says: "CREATE UNIQUE INDEX \"t_id\" ON \"t\" (\"id\")"
        ),
        Refusal(
            "a unique key over two columns",
            "CREATE TABLE t (id, name, changed, PRIMARY KEY (id, name))",
            mode: upsert,
            says: "needs a unique key"
        ),
        Refusal(
            "a unique key over some rows",
            "CREATE TABLE t (id, name, changed); CREATE UNIQUE INDEX i ON t (id) WHERE name = 1",
            mode: upsert,
            says: "needs a unique key"
        ),
        Refusal(
            "a view",
            "CREATE TABLE u (id, name, changed); CREATE VIEW t AS SELECT * FROM u",
            says: "cannot modify t because it is a view"
        ),
        Refusal(
            "a key that the query does not give",
            "CREATE TABLE u (id)",
            mode: upsert,
            key: "number",
            create: true,
            says: "key number",
            "id, name, changed"
        ),
        Refusal(
            "a date that the query does not give",
            "CREATE TABLE u (id)",
            mode: .upsert(unlessNewer: "updated"),
            create: true,
            says: "`unless-newer: updated`",
            "id, name, changed"
        ),
    ]

    @Test("Refused", arguments: refusals)
    func refused(_ refusal: Refusal) async throws {
        let folder = try ScratchFolder()
        let database = try folder.database("target.sqlite", refusal.sql)
        let before = try rows("SELECT name FROM sqlite_schema", in: database)
        let target = TableTarget(
            table: "t",
            mode: refusal.mode,
            create: refusal.create,
            key: refusal.key
        )
        let schema = Sample.schema("id", "name", "changed")
        let text = await message { try await SQLiteTable(database, target).check(schema) }
        #expect(text.hasPrefix("SinkError: "))
        for part in refusal.parts { #expect(text.contains(part)) }
        let textOfPreparation = await message { try await SQLiteTable(database, target).prepare(schema) }
        #expect(textOfPreparation == text)
        #expect(try rows("SELECT name FROM sqlite_schema", in: database) == before)
    }

    @Test(
        "Taken",
        arguments: [
            "CREATE TABLE t (ID INTEGER PRIMARY KEY, Name, changed)",
            "CREATE TABLE t (id TEXT UNIQUE, name, changed, extra)",
            "CREATE TABLE t (id, name, changed, extra NOT NULL DEFAULT 1); CREATE UNIQUE INDEX i ON t (id)",
            "CREATE TABLE t (id, name, changed); CREATE UNIQUE INDEX i ON t (id COLLATE NOCASE)",
            "CREATE TABLE t (n INTEGER PRIMARY KEY NOT NULL, id UNIQUE, name, changed)",
        ]
    )
    func taken(sql: String) async throws {
        let folder = try ScratchFolder()
        let database = try folder.database("target.sqlite", sql)
        let table = SQLiteTable(database, TableTarget(table: "T", mode: Self.upsert, create: false))
        try await table.check(Sample.schema("id", "name", "changed"))
        try await table.prepare(Sample.schema("id", "name", "changed"))
    }

    @Test(
        "A table that a killed process left in mid-change is put right and passes; as a source it is named with what to type"
    )
    func hotJournal() async throws {
        let folder = try ScratchFolder()
        let target = try folder.databaseInMidChange("target.sqlite")
        let query = SourceQuery(name: "q", sql: "SELECT id FROM t", origin: "q.sql", key: "id")
        let text = await message { _ = try await SQLiteSource(target).check(query) }
        #expect(text.hasPrefix("SourceUnavailable") && text.contains("sqlite3 \(target.path)"), "\(text)")

        let table = SQLiteTable(target, TableTarget(table: "t", mode: Self.upsert, create: false))
        try await table.check(Sample.schema("id", "name"))
        #expect(try rows("SELECT * FROM t", in: target) == ["1|a"])
    }

    @Test("A check changes nothing, and a preparation makes file, table and ledger once")
    func creation() async throws {
        let folder = try ScratchFolder()
        let schema = RecordSchema(
            columns: [
                Column(name: "id", declaredType: "INTEGER"), Column(name: "odd \"name\"", declaredType: "VARCHAR(10)"),
                Column(name: "any", declaredType: "ANY"), Column(name: "free"),
            ],
            keyIndex: 0
        )
        let database = folder.file("target.sqlite")
        let table = SQLiteTable(database, TableTarget(table: "a \"b\"", mode: Self.upsert, create: true))
        try await table.check(schema)
        #expect(try folder.names.isEmpty)
        try await table.prepare(schema)
        try await table.prepare(schema)
        let columns = try rows("SELECT name, type, pk FROM pragma_table_info('a \"b\"')", in: database)
        #expect(columns == ["id|INTEGER|1", "odd \"name\"|VARCHAR(10)|0", "any||0", "free||0"])
        let attributes = try FileManager.default.attributesOfItem(atPath: database.path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }

    @Test("A database that is missing is made only when asked, and only where its folder is there")
    func missingDatabase() async throws {
        let folder = try ScratchFolder()
        let schema = Sample.schema("id")
        let strict = TableTarget(table: "t", mode: .append, create: false)
        let missing = await message { try await SQLiteTable(folder.file("none.sqlite"), strict).prepare(schema) }
        #expect(missing.hasPrefix("SinkError") && missing.contains("none.sqlite does not exist"))
        let nowhere = TableTarget(table: "t", mode: .append, create: true)
        let text = await message { try await SQLiteTable(folder.file("none/t.sqlite"), nowhere).prepare(schema) }
        #expect(text.hasPrefix("SinkError") && text.contains("cannot be made"))
        #expect(try folder.names.isEmpty)
    }

    @Test("A file of something else is named")
    func noDatabase() async throws {
        let folder = try ScratchFolder()
        try Data(repeating: 0x41, count: 8192).write(to: folder.file("text"))
        let target = TableTarget(table: "t", mode: .append, create: true)
        let text = await message { try await SQLiteTable(folder.file("text"), target).prepare(Sample.schema("id")) }
        #expect(text.hasPrefix("SinkError") && text.contains("is not a SQLite database"))
    }
}
