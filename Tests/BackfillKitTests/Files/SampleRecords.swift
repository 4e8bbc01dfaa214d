import Foundation
import SQLConnectors
import TestSupport

/// SplitMix64: the same numbers for the same seed, everywhere.
struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func value() -> Value {
        switch Int.random(in: 0..<6, using: &self) {
        case 0: return .null
        case 1: return .integer(Int64(bitPattern: next() >> UInt64.random(in: 0..<64, using: &self)))
        case 2: return .real(finiteDouble())
        case 3: return .real(Double(Int64.random(in: -1_000_000...1_000_000, using: &self)) / 100)
        case 4: return .text(text())
        default: return .blob((0..<Int.random(in: 0...20, using: &self)).map { _ in UInt8(truncatingIfNeeded: next()) })
        }
    }

    mutating func finiteDouble() -> Double {
        let double = Double(bitPattern: next())
        return double.isFinite ? double : 1.5
    }

    mutating func text() -> String {
        let pieces = [
            "a", "plain words ", "\"", "\\", "\n", "\r\n", "\t", "\u{0}", "\u{1F}", ",", "é", "漢字", "👩‍👩‍👧", "\u{2028}",
            "\u{7F}", " ",
        ]
        return (0..<Int.random(in: 0...12, using: &self)).map { _ in pieces.randomElement(using: &self) ?? "" }.joined()
    }
}

enum Sample {
    static func schema(_ names: String...) -> RecordSchema {
        RecordSchema(columns: names.map { Column(name: $0) }, keyIndex: 0)
    }

    static func batch(_ schema: RecordSchema, from ordinal: Int64 = 1, _ rows: [[Value]]) -> RecordBatch {
        var builder = RecordBatchBuilder(schema: schema, firstOrdinal: ordinal)
        for row in rows {
            for value in row { builder.append(value) }
            builder.endRecord()
        }
        return builder.finish()
    }

    /// Records whose only column is their ordinal.
    static func ordinals(_ range: Range<Int64>) -> RecordBatch {
        batch(schema("id"), from: range.lowerBound, range.map { [.integer($0)] })
    }
}
