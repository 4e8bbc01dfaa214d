import SQLConnectors
import TestSupport

/// Small batches, made by hand.
enum Sample {
    /// Columns without types; the first is the key.
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

    /// Records (id, name) with ids like their ordinals.
    static func customers(_ ordinals: Range<Int64>) -> RecordBatch {
        batch(schema("id", "name"), from: ordinals.lowerBound, ordinals.map { [.integer($0), .text("name \($0)")] })
    }
}

extension SplitMix64 {
    /// Any value that SQLite can hold; NaN is none of them.
    mutating func value() -> Value {
        switch Int.random(in: 0..<5, using: &self) {
        case 0: return .null
        case 1: return .integer(Int64(bitPattern: next() >> UInt64.random(in: 0..<64, using: &self)))
        case 2:
            let double = Double(bitPattern: next())
            return .real(double.isNaN ? -0.0 : double)
        case 3:
            return .text(
                String(
                    repeating: ["x", "é", "漢", "\0"].randomElement(using: &self) ?? "",
                    count: Int.random(in: 0...30, using: &self)
                )
            )
        default: return .blob((0..<Int.random(in: 0...30, using: &self)).map { _ in UInt8(truncatingIfNeeded: next()) })
        }
    }
}
