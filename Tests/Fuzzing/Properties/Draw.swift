import Foundation
import SQLConnectors

/// Draws numbers, texts and values out of an input, so that its bytes decide a whole case. Behind the end everything is zero or empty.
struct Draw {
    private var rest: ArraySlice<UInt8>

    init(_ input: [UInt8]) { rest = input[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    mutating func choice<Choice>(of choices: [Choice]) -> Choice { choices[Int(byte()) % choices.count] }

    mutating func word() -> UInt64 { (0..<8).reduce(0) { word, _ in word << 8 | UInt64(byte()) } }

    /// A number of which small ones, and those near a power of two, are no rarer than others.
    mutating func number() -> Int64 {
        let width = byte()
        let number = Int64(bitPattern: word() >> UInt64(width & 63))
        return width & 64 == 0 ? number : 0 &- number
    }

    /// Up to 255 bytes.
    mutating func bytes() -> [UInt8] {
        let count = min(Int(byte()), rest.count)
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    mutating func text() -> String { String(decoding: bytes(), as: UTF8.self) }

    /// What is left, as text.
    mutating func restText() -> String {
        defer { rest = [] }
        return String(decoding: rest, as: UTF8.self)
    }

    mutating func value() -> Value {
        switch byte() % 5 {
        case 0: .null
        case 1: .integer(number())
        case 2: .real(Double(bitPattern: word()))
        case 3: .text(text())
        default: .blob(bytes())
        }
    }

    /// Records of up to four columns with names of all kinds; the first column is the key.
    mutating func batch() -> RecordBatch {
        let width = Int(byte() % 4) + 1
        let columns = (0..<width).map { Column(name: text() + "\($0)") }
        var builder = RecordBatchBuilder(schema: RecordSchema(columns: columns, keyIndex: 0), firstOrdinal: 1)
        repeat {
            for _ in 0..<width { builder.append(value()) }
            builder.endRecord()
        } while !isAtEnd && builder.count < 50
        return builder.finish()
    }
}
