import Testing

@testable import SQLConnectors

@Suite("A number in text goes to a number column only where that keeps it")
struct DecimalTextTests {
    private func misfit(_ text: String, _ affinity: SQLiteAffinity) -> String? {
        var builder = RecordBatchBuilder(
            schema: RecordSchema(columns: [Column(name: "v")], keyIndex: 0),
            firstOrdinal: 1
        )
        builder.append(.text(text))
        builder.endRecord()
        return builder.finish().withCells { affinity.misfit($0[0], $1, isNumber: false) }
    }

    @Test(
        "Kept",
        arguments: [
            "1", " 12.50 ", "1e5", "0", "0e-400", "0.000e999999999999999999", "-1.5E+10", "9007199254740993",
            " 9007199254740993 ", "0.1", "1e308", "5e-324", "no number", "1e", "1e5x",
        ]
    )
    func kept(text: String) {
        #expect(misfit(text, .numeric) == nil)
    }

    @Test(
        "Refused: more digits than a double has, or beyond its range, whatever blanks stand around",
        arguments: [
            "0.30000000000000000001", " 0.30000000000000000001", "1e400", "-1e400\n", "1e-400",
            "1e999999999999999999999",
            "1e-9223372036854775808", "1" + String(repeating: "0", count: 310),
        ]
    )
    func refused(text: String) {
        #expect(misfit(text, .numeric) != nil)
        #expect(misfit(text, .real) != nil)
    }

    @Test(
        "No exponent is too long for any of PostgreSQL's types",
        arguments: ["1e-9223372036854775808", "1e99999999999999999999"]
    )
    func exponents(text: String) {
        for kind: PostgreSQLColumn.Kind in [.float4, .float8, .numeric(scale: 2), .numeric(scale: nil), .integer] {
            var text = text
            _ = text.withUTF8 { kind.misfit(of: $0) }
        }
    }
}
