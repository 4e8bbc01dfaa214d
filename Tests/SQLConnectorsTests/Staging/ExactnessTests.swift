import Foundation
import TestSupport
import Testing

@testable import SQLConnectors

@Suite("A value is the same at the source, in the staged file, in a batch and in the target")
struct ExactnessTests {
    /// SQL expressions, each with what a column without a type holds for it.
    private static let expressions = [
        "NULL", "0", "-1", "9223372036854775807", "-9223372036854775807 - 1", "0.1", "-0.0", "9e999", "-9e999",
        "5e-324",
        "9e999 - 9e999", "''", "'text'", "'12'", "'é漢👩‍👩‍👧'", "'a' || char(0) || 'b'", "char(0)", "x''", "x'00ff'",
        "zeroblob(100)",
        "CAST(x'ff61c3' AS TEXT)", "CAST(x'c080' AS TEXT)", "replace(hex(zeroblob(524288)), '00', 'ab')",
    ]

    private static let picture =
        "SELECT id, typeof(value), CASE typeof(value) WHEN 'real' THEN printf('%!.17g', value) ELSE hex(value) END FROM "

    @Test("Every kind, and the edges of each")
    func everyKind() async throws {
        let folder = try ScratchFolder()
        let inserts = Self.expressions.enumerated().map { "INSERT INTO t VALUES (\($0 + 1), \($1));" }
        let source = try folder.database(
            "source.sqlite",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, value);" + inserts.joined()
        )
        let expected = try rows(Self.picture + "t ORDER BY id", in: source)
        #expect(expected.count == Self.expressions.count)

        let staged = try await folder.stage("SELECT id, value FROM t ORDER BY id", from: source)
        #expect(try rows(Self.picture + "records ORDER BY id", in: staged.location(in: folder.url)) == expected)

        let reader = try folder.reader(of: staged)
        let batch = try await reader.read(
            from: 1,
            to: staged.recordCount + 1,
            limit: BatchLimit(records: 1000, bytes: 1 << 24)
        )
        #expect(batch[3, 1] == .integer(.max) && batch[4, 1] == .integer(.min))
        #expect(batch[7, 1] == .real(.infinity) && batch[15, 1] == .text("a\0b"))
        let invalid = batch.withCells { cells, bytes in Array(bytes[cells[20 * 2 + 1].byteRange]) }
        #expect(invalid == [0xFF, 0x61, 0xC3])

        let target = folder.file("target.sqlite")
        let table = SQLiteTable(target, TableTarget(table: "copy", mode: .append, create: true))
        try await table.prepare(staged.schema)
        #expect(try await table.write(batch, for: LedgerKey(run: "r", bucket: "1")).isWritten)
        #expect(try rows(Self.picture + "copy ORDER BY id", in: target) == expected)
    }

    @Test("A NaN, which no SQLite value is, is written as the NULL that SQLite makes of it")
    func notANumber() async throws {
        let folder = try ScratchFolder()
        let target = folder.file("target.sqlite")
        let batch = Sample.batch(Sample.schema("id", "value"), [[.integer(1), .real(.nan)]])
        let table = SQLiteTable(target, TableTarget(table: "copy", mode: .append, create: true))
        try await table.prepare(batch.schema)
        #expect(try await table.write(batch, for: LedgerKey(run: "r", bucket: "1")).isWritten)
        #expect(try rows("SELECT typeof(value) FROM copy", in: target) == ["null"])
    }

    @Test("Declared types at the source do not change what the staged file holds")
    func declaredTypes() async throws {
        let folder = try ScratchFolder()
        let source = try folder.database(
            "source.sqlite",
            """
            CREATE TABLE t (id TEXT, number NUMERIC, real REAL, "odd ""name" BLOB);
            INSERT INTO t VALUES ('007', '12', 3, '4'), ('8', 'x', '1.5', 9);
            """
        )
        let staged = try await folder.stage("SELECT * FROM t", from: source)
        let picture = "SELECT quote(id), quote(number), typeof(real), quote(real), quote(\"odd \"\"name\") FROM "
        let expected = ["'007'|12|real|3.0|'4'", "'8'|'x'|real|1.5|9"]
        #expect(try rows(picture + "t", in: source) == expected)
        #expect(try rows(picture + "records", in: staged.location(in: folder.url)) == expected)
    }
}
