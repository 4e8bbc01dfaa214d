import Foundation
import TestSupport
import Testing

@testable import SQLConnectors

@Suite("A SQLite table is compared with what writing the records leaves there")
struct SQLiteComparisonTests {
    private static let upsert = TableTarget.Mode.upsert(unlessNewer: nil)

    private func records(_ rows: [[Value]], _ names: String...) -> RecordBatch {
        Sample.batch(RecordSchema(columns: names.map { Column(name: $0) }, keyIndex: 0), rows)
    }

    private func write(_ records: RecordBatch, to table: SQLiteTable) async throws {
        try await table.prepare(records.schema)
        #expect(try await table.write(records, for: .first).isWritten)
    }

    private static let types = ["", "INTEGER", "REAL", "NUMERIC", "TEXT", "BLOB", "VARCHAR(3) COLLATE NOCASE"]

    /// Values that some affinity makes another of, and that none refuses.
    private static let values: [Value] = [
        .null, .integer(0), .integer(1), .integer(12), .integer(.max >> 20), .real(1.0), .real(-0.0), .real(1.5),
        .real(1e300),
        .real(.infinity), .text(""), .text("12"), .text(" 12 "), .text("1.0"), .text("1e2"), .text("x"), .text("X"),
        .text("a\0b"), .text("漢"), .blob([]), .blob([0x31, 0x32]), .blob([0, 255]),
    ]

    @Test(
        "Every affinity and every value: what was written does not differ, and of what is changed just that is told",
        arguments: [TableTarget.Mode.append, upsert]
    )
    func everyAffinity(_ mode: TableTarget.Mode) async throws {
        let columns = Self.types.enumerated().map { ", c\($0) \($1)" }.joined()
        let target = try Target(
            "CREATE TABLE t (id INTEGER\(mode == .append ? "" : " PRIMARY KEY")\(columns))",
            mode: mode
        )
        let width = Self.types.count
        let schema = RecordSchema(
            columns: [Column(name: "id")] + (0..<width).map { Column(name: "c\($0)") },
            keyIndex: 0
        )
        // Each value in each column, in the company of others.
        let count = Self.values.count
        let batch = Sample.batch(
            schema,
            (0..<count * 3).map { row in
                [.integer(Int64(row + 1))] + (0..<width).map { Self.values[(row + $0 * (row / count + 1)) % count] }
            }
        )
        try await write(batch, to: target.table)
        #expect(try await target.table.differences(batch) == [])

        let comparison = try await target.table.compare(schema: schema)
        for column in 0..<width {
            for value in ["NULL", "1", "1.5", "'X'", "x'3132'"] {
                let changed = try rows(
                    """
                    SELECT id FROM t WHERE typeof(c\(column)) || quote(c\(column)) IS NOT (
                        SELECT typeof(c\(column)) || quote(c\(column)) FROM (SELECT c\(column) FROM t WHERE 0 UNION ALL SELECT \(value))) LIMIT 1
                    """,
                    in: target.file
                )
                let id = try #require(changed.first)
                let before = try rows("SELECT quote(c\(column)) FROM t WHERE id = \(id)", in: target.file)[0]
                try execute("UPDATE t SET c\(column) = \(value) WHERE id = \(id)", on: target.file)
                let after = try rows("SELECT quote(c\(column)) FROM t WHERE id = \(id)", in: target.file)[0]
                #expect(
                    try await comparison.compare(batch).map(\.text)
                        == (before == after ? [] : ["\(id): changed c\(column)"]),
                    "\(before) became \(after)"
                )
                try execute("UPDATE t SET c\(column) = \(before) WHERE id = \(id)", on: target.file)
            }
        }
    }

    @Test("Missing, repeated and other rows")
    func rowsOfOthers() async throws {
        let target = try Target("CREATE TABLE t (id INTEGER, name)")
        let batch = Sample.customers(1..<500)
        try await write(batch, to: target.table)
        try execute(
            """
            DELETE FROM t WHERE id = 17; INSERT INTO t SELECT * FROM t WHERE id = 300;
            INSERT INTO t VALUES (1000, 'x'), (-1, 'x'), ('text', 'x'), (NULL, 'x'), (0.5, 'x'), (x'0aff', 'x');
            """,
            on: target.file
        )
        let comparison = try await target.table.compare(schema: batch.schema)
        var told: [String] = []
        for start in stride(from: 0, to: batch.count, by: 100) {
            told += try await comparison.compare(batch.slice(start..<min(batch.count, start + 100))).map(\.text)
        }
        #expect(told == ["17: missing", "300: 2 rows"])
        let others = try await comparison.others(limit: 10)
        #expect(others.count == 6 && others.keys == ["NULL", "-1", "0.5", "1000", "text", "0aff"])
        let few = try await comparison.others(limit: 2)
        #expect(few.count == 6 && few.keys == ["NULL", "-1"])
        // Keys that come after the first answer count too.
        try await comparison.expect(Sample.customers(1000..<1001))
        #expect(try await comparison.others(limit: 0).count == 5)
    }

    @Test(
        "Keys of every kind find their rows, as the key column equals them",
        arguments: [
            ("TEXT PRIMARY KEY", Value.text("é 1"), ""), ("TEXT PRIMARY KEY", .integer(12), "'12'"),
            ("INTEGER PRIMARY KEY", .text("12"), "12"), ("REAL PRIMARY KEY", .integer(12), "12.0"),
            ("NUMERIC PRIMARY KEY", .text("1.50"), "1.5"), ("TEXT COLLATE NOCASE PRIMARY KEY", .text("abc"), "'ABC'"),
            ("BLOB PRIMARY KEY", .blob([1, 2]), ""), ("PRIMARY KEY", .real(1.5), ""),
        ]
    )
    func keys(_ type: String, _ key: Value, _ row: String) async throws {
        let target = try Target("CREATE TABLE t (id \(type), name)", mode: Self.upsert)
        if !row.isEmpty { try execute("INSERT INTO t VALUES (\(row), 'old')", on: target.file) }
        let batch = records([[key, .text("n")]], "id", "name")
        #expect(
            try await target.table.differences(batch).map { $0.hasSuffix(row.isEmpty ? "missing" : "changed name") }
                == [true]
        )
        try await write(batch, to: target.table)
        #expect(try target.rows("SELECT count(*) FROM t") == ["1"])
        let comparison = try await target.table.compare(schema: batch.schema)
        #expect(try await comparison.compare(batch) == [])
        #expect(try await comparison.others(limit: 5).count == 0)
    }

    @Test("A STRICT table, a table without rowid, one with names that need quotes, and one with names of our own")
    func tables() async throws {
        for (sql, name) in [
            ("CREATE TABLE t (id INTEGER PRIMARY KEY, \"na \"\"me\" ANY) STRICT", "na \"me"),
            ("CREATE TABLE t (id ANY PRIMARY KEY, name TEXT) WITHOUT ROWID", "NAME"),
            ("CREATE TABLE t (id PRIMARY KEY, _number, rowid)", "_NUMBER"),
        ] {
            let target = try Target(sql, mode: Self.upsert)
            let batch = records([[.integer(1), .text("12")], [.integer(2), .null]], "id", name)
            try await write(batch, to: target.table)
            #expect(try await target.table.differences(batch) == [])
            try execute("UPDATE t SET \(quotedIdentifier(name)) = 'x' WHERE id = 2", on: target.file)
            #expect(try await target.table.differences(batch) == ["2: changed \(name)"])
        }
    }

    @Test(
        "A row that live traffic has since renewed is none, with unless-newer; columns that no record fills do not count"
    )
    func unlessNewer() async throws {
        let target = try Target(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, name, at, kept DEFAULT 'k')",
            mode: .upsert(unlessNewer: "at")
        )
        let batch = records(
            (1...5).map { (id: Int64) -> [Value] in [.integer(id), .text("n"), id == 5 ? .null : .integer(10)] },
            "id",
            "name",
            "at"
        )
        try await write(batch, to: target.table)
        try execute(
            """
            UPDATE t SET kept = 'changed'; UPDATE t SET name = 'live', at = 11 WHERE id = 1;
            UPDATE t SET name = 'live', at = 9 WHERE id = 2; UPDATE t SET name = 'live', at = NULL WHERE id = 3;
            UPDATE t SET name = 'live' WHERE id = 4; UPDATE t SET name = 'live', at = 1 WHERE id = 5;
            """,
            on: target.file
        )
        let expected = ["2: changed name, at", "3: changed name, at", "4: changed name"]
        #expect(try await target.table.differences(batch) == expected)
        // Writing them once more leaves nothing to tell: both go by the same rule.
        #expect(try await target.table.write(batch, for: LedgerKey(run: "again", bucket: "1")).isWritten)
        #expect(try await target.table.differences(batch) == [])
    }

    @Test("The sink's key may be another column than the record's")
    func otherKey() async throws {
        let folder = try ScratchFolder()
        let file = try folder.database("target.sqlite", "CREATE TABLE t (id, \"the \"\"key\" TEXT UNIQUE)")
        let table = SQLiteTable(file, TableTarget(table: "t", mode: Self.upsert, create: false, key: "THE \"KEY"))
        let batch = records(
            [[.integer(1), .text("a")], [.integer(2), .text("b")], [.integer(3), .null]],
            "id",
            "the \"key"
        )
        try await write(batch, to: table)
        try execute("UPDATE t SET id = 9 WHERE id = 2", on: file)
        // The record without a key cannot be found.
        #expect(try await table.differences(batch) == ["2: changed id", "3: missing"])
    }

    @Test("Appended records with the same key need a row each; of upserted ones the one that decides is compared")
    func twins() async throws {
        let batch = records(
            [
                [.integer(1), .text("a")], [.text("1"), .text("a")], [.integer(1), .text("A")],
                [.integer(2), .text("c")],
            ],
            "id",
            "name"
        )
        let target = try Target("CREATE TABLE t (id INTEGER, name COLLATE NOCASE)")
        try await write(batch, to: target.table)
        #expect(try await target.table.differences(batch) == [])
        try execute("DELETE FROM t WHERE rowid = 1", on: target.file)
        #expect(try await target.table.differences(batch) == ["1: missing"])
        try execute("INSERT INTO t VALUES (1, 'x')", on: target.file)
        #expect(try await target.table.differences(batch) == ["1: changed name"])
        try execute("INSERT INTO t VALUES (1, 'a')", on: target.file)
        #expect(try await target.table.differences(batch) == ["1: 4 rows", "1: 4 rows", "1: 4 rows"])

        let upserted = try Target(mode: Self.upsert)
        try await write(batch, to: upserted.table)
        #expect(try await upserted.table.differences(batch) == [])
        try execute("UPDATE t SET name = 'x' WHERE id = 1", on: upserted.file)
        #expect(try await upserted.table.compare(schema: batch.schema).compare(batch).map(\.ordinal) == [3])
    }

    @Test("A record that the table could never hold is named, and the others are compared")
    func unfit() async throws {
        let target = try Target(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, real REAL); INSERT INTO t VALUES (1, 1), (3, 1), (7, 1)"
        )
        let big = Value.integer((1 << 53) + 1)
        let batch = records(
            [[.integer(1), big], [.integer(2), big], [.integer(3), .integer(1)], [.text("x"), .integer(1)]],
            "id",
            "real"
        )
        let comparison = try await target.table.compare(schema: batch.schema)
        #expect(try await comparison.compare(batch).map(\.text) == ["1: changed real", "2: missing", "x: missing"])
        #expect(try await comparison.others(limit: 5).keys == ["7"])
    }

    @Test("A record that seems to differ is looked at a second time")
    func secondLook() async throws {
        let target = try Target(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, name); INSERT INTO t VALUES (1, 'x'), (2, 'x')"
        )
        let file = target.file
        let batch = records([[.integer(1), .text("n")], [.integer(2), .text("n")]], "id", "name")
        let comparison = try await target.table.compare(schema: batch.schema) {
            try execute("UPDATE t SET name = 'n' WHERE id = 1", on: file)
        }
        #expect(try await comparison.compare(batch).map(\.text) == ["2: changed name"])
    }

    @Test("Another program is never kept from writing, and the database file and its folder stay as they are")
    func undisturbed() async throws {
        let target = try Target()
        let batch = Sample.customers(1..<3000)
        try await write(batch, to: target.table)
        await target.table.close()
        let before = try Data(contentsOf: target.file)
        let comparison = try await target.table.compare(schema: batch.schema)
        #expect(try await comparison.compare(batch) == [])
        #expect(try await comparison.others(limit: 3).count == 0)
        #expect(try Data(contentsOf: target.file) == before)

        let file = target.file
        let other = SerialWorker(label: "other program", ())
        async let writing: Void = other.run { _ in
            let connection = try SQLiteConnection(uri: SQLiteConnection.uri(file.path, mode: "rw"), busyTimeout: .zero)
            for id in 5000..<5300 { try connection.execute("INSERT INTO t VALUES (\(id), 'live')") }
        }
        for start in stride(from: 0, to: batch.count, by: 300) {
            #expect(try await comparison.compare(batch.slice(start..<min(batch.count, start + 300))) == [])
        }
        try await writing
        #expect(try await comparison.others(limit: 1).count == 300)
        // Also in a database that has no write-ahead log, where a reader's lock would stand in the way.
        await comparison.close()
        try execute("PRAGMA journal_mode = DELETE", on: file)
        let again = try await target.table.compare(schema: batch.schema)
        #expect(try await again.compare(batch) == [])
        try SQLiteConnection(uri: SQLiteConnection.uri(file.path, mode: "rw"), busyTimeout: .zero)
            .execute("BEGIN EXCLUSIVE; DELETE FROM t WHERE id = 1; COMMIT")
        #expect(try await again.compare(batch).map(\.text) == ["1: missing"])
    }

    @Test("A table that a killed process left in mid-change is put right, and compared")
    func hotJournal() async throws {
        let folder = try ScratchFolder()
        let file = try folder.databaseInMidChange("target.sqlite")
        let table = SQLiteTable(file, TableTarget(table: "t", mode: Self.upsert, create: false))
        #expect(try await table.differences(records([[.integer(1), .text("a")]], "id", "name")) == [])
    }

    @Test("A database or table that is missing, or a table without the key, is told; nothing is made")
    func unfitTable() async throws {
        let folder = try ScratchFolder()
        let target = TableTarget(table: "t", mode: .append, create: true)
        let schema = Sample.schema("id", "name")
        let file = folder.file("none.sqlite")
        let noFile = await message { _ = try await SQLiteTable(file, target).compare(schema: schema) }
        #expect(noFile.hasPrefix("SinkError: ") && noFile.contains("does not exist"))
        #expect(try folder.names == [])
        let other = try folder.database("other.sqlite", "CREATE TABLE u (id)")
        let noTable = await message { _ = try await SQLiteTable(other, target).compare(schema: schema) }
        #expect(noTable.hasPrefix("SinkError: The table t does not exist"))
        let keyless = try folder.database("keyless.sqlite", "CREATE TABLE t (name)")
        let noKey = await message { _ = try await SQLiteTable(keyless, target).compare(schema: schema) }
        #expect(noKey.hasPrefix("SinkError: ") && noKey.contains("no column id"))
        try Data("no database".utf8).write(to: file)
        let noDatabase = await message { _ = try await SQLiteTable(file, target).compare(schema: schema) }
        #expect(noDatabase.hasPrefix("SinkError: ") && noDatabase.contains("not a database"))
    }
}
