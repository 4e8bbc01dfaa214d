import Foundation
import TestSupport
import Testing

@testable import SQLConnectors

@Suite("Every value of PostgreSQL arrives as it was", .enabled(if: TestPostgreSQL.isThere))
struct PostgreSQLTypesTests {
    /// Columns of every kind, each with what makes random literals for it.
    private static let columns: [(type: String, literal: @Sendable (inout SplitMix64) -> String)] = [
        ("smallint", { "\(Int16.random(in: .min ... .max, using: &$0))" }),
        ("integer", { "\(pick(&$0, Int32.min, .max, 0, .random(in: .min ... .max, using: &$0)))" }),
        ("bigint", { "\(pick(&$0, Int64.min, .max, 9_007_199_254_740_993, .random(in: .min ... .max, using: &$0)))" }),
        ("oid", { "\(UInt32.random(in: .min ... .max, using: &$0))" }),
        (
            "numeric",
            {
                pick(
                    &$0,
                    "NaN",
                    "Infinity",
                    "-Infinity",
                    "0",
                    "1e-300",
                    "1.50",
                    digits(60, &$0) + "." + digits(60, &$0)
                )
            }
        ),
        ("numeric(38,10)", { "-" + digits(28, &$0) + "." + digits(10, &$0) }),
        (
            "real",
            {
                pick(
                    &$0,
                    "NaN",
                    "-Infinity",
                    "Infinity",
                    "-0",
                    "1e-45",
                    "3.4028235e38",
                    "\(Float(bitPattern: UInt32.random(in: 0x0080_0000...0x7F00_0000, using: &$0)))"
                )
            }
        ),
        (
            "double precision",
            {
                pick(
                    &$0,
                    "NaN",
                    "Infinity",
                    "-0",
                    "5e-324",
                    "1.7976931348623157e308",
                    "0.30000000000000004",
                    "\(Double(bitPattern: UInt64.random(in: 1 << 52...0x7FE0_0000_0000_0000, using: &$0)))"
                )
            }
        ),
        ("text", { text(&$0) }),
        ("varchar(20)", { String(text(&$0).unicodeScalars.prefix(20).map(Character.init)) }),
        ("char(5)", { pick(&$0, "", "a", "ab   ", "äöü", "12345") }),
        ("\"char\"", { pick(&$0, "x", "~", " ") }),
        ("name", { pick(&$0, "a name", "\"quoted\"", "") }),
        ("bytea", { "\\x" + digits("0123456789abcdef", Int.random(in: 0...40, using: &$0) * 2, &$0) }),
        ("boolean", { pick(&$0, "t", "f") }),
        (
            "uuid",
            {
                "\(UUID(uuid: (UInt8.random(in: 0...255, using: &$0), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255)))"
            }
        ),
        ("json", { pick(&$0, "{\"a\":  1,\"a\":\"\\u00e4\\n\"}", "[]", "null", "\"\\\\\"", "1.000") }),
        (
            "jsonb",
            {
                pick(
                    &$0,
                    "{\"a\":{\"b\":[1,2.50,null]}}",
                    "[]",
                    "null",
                    "\"\\\\ tab\\t\"",
                    "123456789012345678901234567890"
                )
            }
        ),
        (
            "date",
            { pick(&$0, "infinity", "-infinity", "0044-03-15 BC", "4713-01-01 BC", "5874897-12-31", "2024-02-29") }
        ),
        ("time", { pick(&$0, "00:00:00", "24:00:00", "23:59:59.999999", "12:34:56.1") }),
        ("timetz", { pick(&$0, "00:00:00+00", "23:59:59.999999-15:59", "12:00:00+05:30") }),
        (
            "timestamp",
            {
                pick(
                    &$0,
                    "infinity",
                    "-infinity",
                    "4713-01-01 00:00:00 BC",
                    "294276-12-31 23:59:59.999999",
                    "2024-03-31 02:30:00.000001"
                )
            }
        ),
        (
            "timestamptz",
            {
                pick(
                    &$0,
                    "infinity",
                    "0001-01-01 00:00:00+00 BC",
                    "1883-11-18 12:03:57.5-04:56:02",
                    "2024-10-27 02:30:00+02"
                )
            }
        ),
        ("timestamp(3)", { pick(&$0, "2024-03-31 02:30:00.123", "1999-12-31 23:59:59") }),
        (
            "interval",
            {
                pick(
                    &$0,
                    "0",
                    "1 year 2 mons -3 days +04:05:06.789",
                    "-178000000 years",
                    "-1 days -00:00:00.000001",
                    "25:00:00",
                    "-1 mons +1 day"
                )
            }
        ),
        ("integer[]", { pick(&$0, "{}", "{1,NULL,-2}", "{{1,2},{3,4}}", "[0:1]={7,8}") }),
        (
            "text[]",
            { pick(&$0, "{}", "{\"\",NULL,\"NULL\",\"a,b\",\"\\\\\",\"\\\"\"}", "{\"line\nbreak\",\"tab\t\"}") }
        ),
        ("numeric[]", { pick(&$0, "{NaN,1.10,-Infinity}", "{123456789012345678901234567890.5}") }),
        ("mood", { pick(&$0, "sad", "it's \"fine\"", "") }),
        ("positive", { pick(&$0, "1", "99999999999999999999.000") }),
        ("pair", { pick(&$0, "(1,\"a,b\")", "(,)", "(-2,\"\"\"\")") }),
        ("int4range", { pick(&$0, "empty", "[1,5)", "(,)", "[-3,)") }),
        ("inet", { pick(&$0, "10.0.0.1/8", "::1", "fe80::1/64") }),
        ("macaddr", { _ in "08:00:2b:01:02:03" }),
        ("bit varying", { pick(&$0, "", "1", "0101010111") }),
        ("money", { pick(&$0, "0", "-92233720368547758.08", "12.34") }),
        ("xml", { pick(&$0, "<a b=\"1\">ü&amp;</a>", "text") }),
        ("point", { pick(&$0, "(0,0)", "(1e-300,-Infinity)", "(0.1,0.30000000000000004)") }),
        ("tsvector", { pick(&$0, "'a':1 'b':2A", "") }),
    ]

    private static func pick<Choice>(_ random: inout SplitMix64, _ choices: Choice...) -> Choice {
        choices[Int.random(in: choices.indices, using: &random)]
    }

    private static func digits(_ count: Int, _ random: inout SplitMix64) -> String {
        digits("0123456789", count, &random)
    }

    private static func digits(_ alphabet: String, _ count: Int, _ random: inout SplitMix64) -> String {
        String((0..<count).compactMap { _ in alphabet.randomElement(using: &random) })
    }

    private static func text(_ random: inout SplitMix64) -> String {
        let pieces = [
            "", "a", "\\", "\\N", "\\.", "\t", "\n", "\r\n", "'", "\"", "ä", "漢字", "👩‍👩‍👧", "e\u{301}", "\u{1}", "\u{7F}",
            "NULL", " ", "x'00'",
        ]
        return (0..<Int.random(in: 0...12, using: &random)).map { _ in
            pick(&random, pieces).randomElement(using: &random) ?? ""
        }.joined()
    }

    private static func row(_ id: Int, _ random: inout SplitMix64, isFinite: Bool) -> String {
        let values = columns.map { type, literal in
            if Int.random(in: 0..<10, using: &random) == 0 { return "NULL" }
            var text = literal(&random)
            // A REAL column of SQLite has no NaN, and keeps -0 as 0.
            while isFinite, ["real", "double precision"].contains(type), ["NaN", "-0"].contains(text) {
                text = literal(&random)
            }
            return "'" + text.replacing("'", with: "''") + "'::\(type)"
        }
        return "(\(id), \(values.joined(separator: ", ")))"
    }

    /// A table `everything` of random rows.
    private func table(rows count: Int, seed: UInt64, isFinite: Bool) throws -> PostgreSQLSchema {
        let schema = try PostgreSQLSchema(
            """
            CREATE TYPE mood AS ENUM ('sad', 'it''s "fine"', '');
            CREATE DOMAIN positive AS numeric CHECK (VALUE > 0);
            CREATE TYPE pair AS (n int, t text);
            CREATE TABLE everything (id int PRIMARY KEY, \(Self.columns.enumerated().map { "c\($0) \($1.type)" }.joined(separator: ", ")));
            """
        )
        var random = SplitMix64(seed: seed)
        for start in stride(from: 1, through: count, by: 250) {
            let rows = (start..<min(count + 1, start + 250)).map { Self.row($0, &random, isFinite: isFinite) }
            try schema.execute("INSERT INTO everything VALUES \(rows.joined(separator: ",\n"))")
        }
        return schema
    }

    /// Rows as their exact text: floats with all digits, so that even -0 and 0 differ.
    private func difference(_ schema: PostgreSQLSchema, _ one: String, _ other: String) throws -> [String] {
        try schema.rows(
            """
            (SELECT a::text FROM \(one) a EXCEPT ALL SELECT b::text FROM \(other) b)
            UNION ALL (SELECT b::text FROM \(other) b EXCEPT ALL SELECT a::text FROM \(one) a) LIMIT 3
            """
        )
    }

    @Test(
        "PostgreSQL to PostgreSQL, appended and upserted: no row differs",
        arguments: [TableTarget.Mode.append, .upsert(unlessNewer: nil)]
    )
    func roundTrip(_ mode: TableTarget.Mode) async throws {
        let schema = try table(rows: 3000, seed: 1, isFinite: false)
        try schema.execute("CREATE TABLE copied (LIKE everything INCLUDING ALL)")
        let records = try await schema.staged("SELECT * FROM everything ORDER BY id", in: ScratchFolder())
        let target = try schema.table("copied", mode)
        try await target.prepare(records.schema)
        for start in stride(from: 0, to: records.count, by: 700) {
            let batch = records.slice(start..<min(records.count, start + 700))
            guard case .written = try await target.write(batch, for: .first) else {
                Issue.record("a record was refused")
                return
            }
        }
        #expect(try difference(schema, "everything", "copied") == [])
    }

    @Test("A table that the sink makes has the source's types")
    func madeTable() async throws {
        let schema = try table(rows: 300, seed: 2, isFinite: false)
        let records = try await schema.staged("SELECT * FROM everything ORDER BY id", in: ScratchFolder())
        let target = try schema.table("made", .upsert(unlessNewer: nil), create: true)
        try await target.prepare(records.schema)
        guard case .written = try await target.write(records, for: .first) else {
            Issue.record("a record was refused")
            return
        }
        #expect(try difference(schema, "everything", "made") == [])
    }

    @Test("PostgreSQL to SQLite and back: no row differs")
    func throughSQLite() async throws {
        let schema = try table(rows: 2000, seed: 3, isFinite: true)
        try schema.execute("CREATE TABLE back (LIKE everything)")
        let folder = try ScratchFolder()
        let records = try await schema.staged("SELECT * FROM everything ORDER BY id", in: folder)
        let file = folder.file("target.sqlite")
        let middle = SQLiteTable(file, TableTarget(table: "everything", mode: .upsert(unlessNewer: nil), create: true))
        try await middle.prepare(records.schema)
        guard case .written = try await middle.write(records, for: .first) else {
            Issue.record("SQLite refused a record")
            return
        }
        await middle.close()
        let query = SourceQuery(name: "q", sql: "SELECT * FROM everything ORDER BY id", origin: "q.sql", key: "id")
        let result = try await SQLiteSource(file).stage(query, as: "again.sqlite", in: folder.url)
        let again = try await StagedReader(result.location(in: folder.url), schema: result.schema)
            .read(from: 1, to: result.recordCount + 1, limit: BatchLimit(records: .max, bytes: .max))
        let target = try schema.table("back")
        try await target.prepare(again.schema)
        guard case .written = try await target.write(again, for: .first) else {
            Issue.record("PostgreSQL refused a record")
            return
        }
        let differing = try difference(schema, "everything", "back")
        #expect(differing == [])
    }
}
