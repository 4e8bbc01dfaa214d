import Foundation
import SQLConnectors
import Testing

@testable import BackfillKit

/// The lines of a batch, or the cell that cannot be written.
private func lines(_ batch: RecordBatch, _ encoder: any RecordEncoder) -> (bytes: [UInt8], unwritable: UnwritableCell?)
{
    let buffer = LineBuffer(capacity: 1)
    let width = batch.schema.columns.count
    let unwritable = batch.withCells { cells, bytes -> UnwritableCell? in
        for row in 0..<batch.count {
            let record = UnsafeBufferPointer(rebasing: cells[row * width..<(row + 1) * width])
            if let unwritable = encoder.append(record, bytes, to: buffer) { return unwritable }
        }
        return nil
    }
    return (buffer.array, unwritable)
}

private func json(_ value: Value) -> String {
    let batch = Sample.batch(Sample.schema("v"), [[value]])
    return String(decoding: lines(batch, RecordJSON(schema: batch.schema)).bytes, as: UTF8.self)
}

@Suite("A record's JSON reads back as the record")
struct RecordJSONTests {
    @Test(
        "Numbers are exact and short",
        arguments: [
            (Value.integer(.min), "-9223372036854775808"), (.integer(.max), "9223372036854775807"), (.integer(0), "0"),
            (.integer(-10), "-10"), (.integer(999), "999"), (.real(0), "0.0"), (.real(-0.0), "-0.0"),
            (.real(19.99), "19.99"),
            (.real(-0.05), "-0.05"), (.real(1e15), "1000000000000000.0"), (.real(1e20), "1e+20"),
            (.real(0.1 + 0.2), "0.30000000000000004"), (.real(.leastNonzeroMagnitude), "5e-324"),
            (.real(123_456.0), "123456.0"), (.null, "null"), (.blob([]), "\"\""), (.blob([255]), "\"/w==\""),
            (.blob([1, 2]), "\"AQI=\""), (.blob([0xFB, 0xEF, 0xBE]), "\"++++\""),
        ]
    )
    func numbers(_ value: Value, _ text: String) { #expect(json(value) == "{\"v\":\(text)}\n") }

    @Test("Every integer width")
    func integerWidths() {
        for shift in 0..<64 {
            let power = Int64(bitPattern: 1 << UInt64(shift))
            for near in [power, power &- 1, power &+ 1] { #expect(json(.integer(near)) == "{\"v\":\(near)}\n") }
        }
        var ten: Int64 = 1
        for _ in 0..<18 {
            ten *= 10
            for near in [ten, ten - 1, -ten] { #expect(json(.integer(near)) == "{\"v\":\(near)}\n") }
        }
    }

    @Test("Doubles have the shortest text that reads back the same", arguments: [1, 2, 3] as [UInt64])
    func doubles(seed: UInt64) {
        var numbers = SeededNumbers(state: seed)
        for _ in 0..<5_000 {
            let scale: Double = [1.0, 10, 100, 1e4, 1e9].randomElement(using: &numbers) ?? 1
            let decimal = Double(Int64.random(in: -99_999_999_999...99_999_999_999, using: &numbers)) / scale
            for real in [decimal, numbers.finiteDouble()] {
                let text = String(json(.real(real)).dropFirst(5).dropLast(2))
                let read = Double(text)
                #expect(read?.bitPattern == real.bitPattern, "seed \(seed)")
                func digits(_ text: String) -> Int {
                    let mantissa = text.prefix { $0 != "e" }.filter(\.isNumber).drop { $0 == "0" }
                    return mantissa.reversed().drop { $0 == "0" }.count
                }
                #expect(digits(text) <= digits(real.description), "seed \(seed): \(text) for \(real)")
            }
        }
    }

    @Test(
        "Awkward text",
        arguments: [
            "", "\"", "\\", "/", "\u{0}", "\u{1F}\u{7F}", "1234567\"", "12345678\"", "\u{2028}é漢👩‍👩‍👧",
            "line\r\nline\t\u{8}\u{C}",
        ]
    )
    func awkwardText(_ text: String) throws {
        let object = try JSONSerialization.jsonObject(with: Data(json(.text(text)).utf8)) as? [String: Any]
        #expect(object?["v"] as? String == text)
    }

    @Test("Long text, with characters across the borders of what is scanned at once", arguments: 0..<4)
    func longText(shift: Int) throws {
        let text = String(repeating: "x", count: shift) + String(repeating: "漢\u{1}é", count: 20_000)
        let object = try JSONSerialization.jsonObject(with: Data(json(.text(text)).utf8)) as? [String: Any]
        let isSame = object?["v"] as? String == text
        #expect(isSame)
    }

    @Test("Random records, against another parser", arguments: [11, 12, 13, 14] as [UInt64])
    func randomRecords(seed: UInt64) throws {
        var numbers = SeededNumbers(state: seed)
        let schema = Sample.schema("id", "na\"me", "ключ", "d")
        let rows = (0..<300).map { _ in (0..<4).map { _ in numbers.value() } }
        let bytes = lines(Sample.batch(schema, rows), RecordJSON(schema: schema)).bytes
        let found = bytes.split(separator: 0x0A)
        #expect(found.count == rows.count)
        for (line, row) in zip(found, rows) {
            let object = try #require(JSONSerialization.jsonObject(with: Data(line)) as? [String: Any], "seed \(seed)")
            #expect(object.count == 4)
            for (column, value) in zip(schema.columns, row) {
                let member = object[column.name]
                switch value {
                case .null: #expect(member is NSNull, "seed \(seed)")
                case .integer(let integer): #expect((member as? NSNumber)?.int64Value == integer, "seed \(seed)")
                case .real(let real):
                    // This parser is off by a few units in the last place; exactness to the bit is tested above.
                    let read = (member as? NSNumber)?.doubleValue ?? .nan
                    #expect(read == real || abs(read - real) <= abs(real) * 1e-14 || abs(real) < 1e-290, "seed \(seed)")
                case .text(let text): #expect(member as? String == text, "seed \(seed)")
                case .blob(let blob):
                    #expect((member as? String).flatMap { Data(base64Encoded: $0) } == Data(blob), "seed \(seed)")
                }
            }
        }
    }

    @Test("What has no form is refused with its column", arguments: [Double.nan, .infinity, -.infinity])
    func notFinite(_ real: Double) {
        let batch = Sample.batch(Sample.schema("id", "price"), from: 7, [[.text("k"), .real(real)]])
        for encoder in [RecordJSON(schema: batch.schema), RecordCSV(schema: batch.schema)] as [any RecordEncoder] {
            let unwritable = lines(batch, encoder).unwritable
            #expect(unwritable == UnwritableCell(column: 1, reason: .notFinite))
            let rejection = unwritable?.rejection(of: batch, at: 0)
            #expect(rejection?.ordinal == 7 && rejection?.recordID == "k")
            #expect(rejection?.cause.contains("column price holds \(real)") == true)
        }
    }

    @Test("UTF-8 is told from what is not, as the standard library tells it")
    func utf8() {
        var numbers = SeededNumbers(state: 99)
        let leads: [UInt8] = [0x41, 0x80, 0xBF, 0xC0, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF]
        let tails: [UInt8] = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 1...6, using: &numbers)).map { index in
                (index % 3 == 0 ? leads : tails).randomElement(using: &numbers) ?? 0
            }
            let isText = String(validating: bytes, as: UTF8.self) != nil
            #expect(bytes.withUnsafeBufferPointer(isUTF8) == isText, "\(bytes)")
        }
    }

    private func isUTF8(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var index = 0
        while index < bytes.count {
            guard bytes[index] >= 0x80 else {
                index += 1
                continue
            }
            guard let length = UTF8Check.length(of: bytes, at: index) else { return false }
            index += length
        }
        return true
    }

    @Test("The lenient form takes what the strict one refuses")
    func lenient() {
        let batch = Sample.batch(Sample.schema("id", "r"), [[.integer(1), .real(.nan)]])
        #expect(RecordJSON.lenientObject(of: batch, row: 0) == "{\"id\":1,\"r\":\"nan\"}")
    }
}

@Suite("A record's CSV reads back as the record")
struct RecordCSVTests {
    @Test(
        "NULL and empty text differ; only what must be quoted is",
        arguments: [
            (Value.null, ""), (.text(""), "\"\""), (.text("a b"), "a b"), (.text("a,b"), "\"a,b\""),
            (.text("say \"x\""), "\"say \"\"x\"\"\""),
            (.text("1\n2"), "\"1\n2\""), (.text("\r"), "\"\r\""), (.blob([]), "\"\""), (.blob([1]), "AQ=="),
            (.integer(-3), "-3"), (.real(2.5), "2.5"),
        ]
    )
    func fields(_ value: Value, _ text: String) {
        let batch = Sample.batch(Sample.schema("id", "v"), [[.integer(1), value]])
        #expect(String(decoding: lines(batch, RecordCSV(schema: batch.schema)).bytes, as: UTF8.self) == "1,\(text)\n")
    }

    @Test("Random text, parsed back", arguments: [21, 22, 23] as [UInt64])
    func randomText(seed: UInt64) {
        var numbers = SeededNumbers(state: seed)
        let schema = Sample.schema("a,1", "b\"", "c")
        let rows = (0..<300).map { _ in (0..<3).map { _ in numbers.text() } }
        let encoder = RecordCSV(schema: schema)
        let bytes = encoder.header + lines(Sample.batch(schema, rows.map { $0.map(Value.text) }), encoder).bytes
        #expect(parseCSV(bytes) == [["a,1", "b\"", "c"]] + rows, "seed \(seed)")
    }

    /// RFC 4180 by the letter: fields, quoted or not, and lines.
    private func parseCSV(_ bytes: [UInt8]) -> [[String]] {
        var rows: [[String]] = []
        var row: [String] = []
        var field: [UInt8] = []
        var isQuoted = false
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case 0x22 where isQuoted && index < bytes.count && bytes[index] == 0x22:
                field.append(byte)
                index += 1
            case 0x22: isQuoted.toggle()
            case 0x2C where !isQuoted, 0x0A where !isQuoted:
                row.append(String(decoding: field, as: UTF8.self))
                field = []
                if byte == 0x0A {
                    rows.append(row)
                    row = []
                }
            default: field.append(byte)
            }
        }
        return rows
    }
}
