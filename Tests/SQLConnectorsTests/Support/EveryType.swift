import Foundation
import TestSupport

@testable import SQLConnectors

/// Random values of every type of PostgreSQL, with the edges of each.
enum EveryType {
    /// Columns of every kind, each with what makes random literals for it.
    static let columns: [(type: String, literal: @Sendable (inout SplitMix64) -> String)] = [
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
    static func table(rows count: Int, seed: UInt64, isFinite: Bool) throws -> PostgreSQLSchema {
        let schema = try PostgreSQLSchema(
            """
            CREATE TYPE mood AS ENUM ('sad', 'it''s "fine"', '');
            CREATE DOMAIN positive AS numeric CHECK (VALUE > 0);
            CREATE TYPE pair AS (n int, t text);
            CREATE TABLE everything (id int PRIMARY KEY, \(columns.enumerated().map { "c\($0) \($1.type)" }.joined(separator: ", ")));
            """
        )
        var random = SplitMix64(seed: seed)
        for start in stride(from: 1, through: count, by: 250) {
            let rows = (start..<min(count + 1, start + 250)).map { row($0, &random, isFinite: isFinite) }
            try schema.execute("INSERT INTO everything VALUES \(rows.joined(separator: ",\n"))")
        }
        return schema
    }
}
