public import SQLConnectors

/// Records as JSON objects, one a line (NDJSON): members in the order of the columns.
///
/// Integers are written exactly (64 bits: a reader that makes doubles of them loses digits above 2^53), reals with the fewest digits that
/// read back the same, text escaped as RFC 8259 has it, blobs in base64, NULL as `null`. NaN, infinities and text that is not UTF-8 have no
/// form in JSON and refuse their record; a quiet `null` would be another value.
public struct RecordJSON: RecordEncoder, Sendable {
    /// For each column the bytes before its value, such as `,"name":`, one after the other.
    private let names: [UInt8]
    private let nameEnds: [Int]

    /// Escapes the column names, once for all records.
    public init(schema: RecordSchema) {
        let buffer = LineBuffer()
        var ends: [Int] = []
        for (index, column) in schema.columns.enumerated() {
            buffer.reserve(1)
            buffer.append(index == 0 ? UInt8(ascii: "{") : UInt8(ascii: ","))
            var name = column.name
            // A String's bytes are always UTF-8.
            name.withUTF8 { _ = Self.append(text: $0, to: buffer) }
            buffer.reserve(1)
            buffer.append(UInt8(ascii: ":"))
            ends.append(buffer.count)
        }
        names = buffer.array
        nameEnds = ends
    }

    var header: [UInt8] { [] }

    func append(_ cells: UnsafeBufferPointer<Cell>, _ bytes: UnsafeBufferPointer<UInt8>, to buffer: LineBuffer)
        -> UnwritableCell?
    {
        names.withUnsafeBufferPointer { names in
            nameEnds.withUnsafeBufferPointer { nameEnds in
                var start = 0
                for column in cells.indices {
                    buffer.append(UnsafeBufferPointer(rebasing: names[start..<nameEnds[column]]))
                    start = nameEnds[column]
                    if let reason = Self.append(cells[column], bytes, to: buffer) {
                        return UnwritableCell(column: column, reason: reason)
                    }
                }
                buffer.reserve(2)
                buffer.append(UInt8(ascii: "}"))
                buffer.append(UInt8(ascii: "\n"))
                return nil
            }
        }
    }

    @inline(__always)
    private static func append(
        _ cell: Cell,
        _ bytes: UnsafeBufferPointer<UInt8>,
        to buffer: LineBuffer
    ) -> UnwritableCell.Reason? {
        switch cell.kind {
        case .null:
            buffer.reserve(4)
            for byte in "null".utf8 { buffer.append(byte) }
        case .integer: buffer.append(integer: cell.integer)
        case .real:
            guard cell.real.isFinite else { return .notFinite }
            buffer.append(real: cell.real)
        case .text: return append(text: UnsafeBufferPointer(rebasing: bytes[cell.byteRange]), to: buffer)
        case .blob:
            buffer.reserve(1)
            buffer.append(UInt8(ascii: "\""))
            buffer.append(base64: UnsafeBufferPointer(rebasing: bytes[cell.byteRange]))
            buffer.reserve(1)
            buffer.append(UInt8(ascii: "\""))
        }
        return nil
    }

    /// Appends text as a JSON string; eight bytes at a time where nothing needs an escape.
    private static func append(text: UnsafeBufferPointer<UInt8>, to buffer: LineBuffer) -> UnwritableCell.Reason? {
        buffer.reserve(2)
        buffer.append(UInt8(ascii: "\""))
        let raw = UnsafeRawBufferPointer(text)
        var index = 0
        while index < text.count {
            // No byte becomes more than six (\u0000); the piece bounds what is reserved for a long text. A character may reach three
            // bytes beyond the piece, and the closing quote needs one.
            let pieceEnd = min(text.count, index + 1 << 14)
            buffer.reserve((pieceEnd - index) * 6 + 16)
            while index < pieceEnd {
                if pieceEnd - index >= 8 {
                    // Within the text, by the line above; loadUnaligned asks for no alignment.
                    let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                    if isPlain(word) {
                        buffer.append(eight: word)
                        index += 8
                        continue
                    }
                }
                let byte = text[index]
                if byte >= 0x80 {
                    guard let length = UTF8Check.length(of: text, at: index) else { return .notUTF8(offset: index) }
                    for place in index..<index + length { buffer.append(text[place]) }
                    index += length
                } else {
                    append(ascii: byte, to: buffer)
                    index += 1
                }
            }
        }
        buffer.append(UInt8(ascii: "\""))
        return nil
    }

    /// Whether all eight bytes are ASCII that stands for itself: not below 0x20, not `"`, not `\`, not 0x80 or above.
    ///
    /// The usual "has a byte that is zero / less than n" tests on a whole word; a borrow can only report a byte too many, never miss one.
    @inline(__always)
    private static func isPlain(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let high: UInt64 = 0x8080_8080_8080_8080
        let quote = word ^ ones &* 0x22
        let backslash = word ^ ones &* 0x5C
        let found = (word &- ones &* 0x20) | (quote &- ones) | (backslash &- ones) | word
        return found & high == 0
    }

    @inline(__always)
    private static func append(ascii byte: UInt8, to buffer: LineBuffer) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            buffer.append(UInt8(ascii: "\\"))
            buffer.append(byte)
        case 0x20...: buffer.append(byte)
        case 0x0A: append(escape: UInt8(ascii: "n"), to: buffer)
        case 0x0D: append(escape: UInt8(ascii: "r"), to: buffer)
        case 0x09: append(escape: UInt8(ascii: "t"), to: buffer)
        case 0x08: append(escape: UInt8(ascii: "b"), to: buffer)
        case 0x0C: append(escape: UInt8(ascii: "f"), to: buffer)
        default:
            append(escape: UInt8(ascii: "u"), to: buffer)
            buffer.append(UInt8(ascii: "0"))
            buffer.append(UInt8(ascii: "0"))
            buffer.append(UInt8(ascii: "0") + byte >> 4)
            let low = byte & 15
            buffer.append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        }
    }

    @inline(__always)
    private static func append(escape letter: UInt8, to buffer: LineBuffer) {
        buffer.append(UInt8(ascii: "\\"))
        buffer.append(letter)
    }
}

extension RecordJSON {
    /// One record as a JSON object for a person to read, whatever it holds: NaN and infinities become text, and bytes that are not UTF-8
    /// replacement characters.
    public static func lenientObject(of batch: RecordBatch, row: Int) -> String {
        var builder = RecordBatchBuilder(schema: batch.schema, firstOrdinal: 1)
        for column in batch.schema.columns.indices {
            switch batch[row, column] {
            case .real(let real) where !real.isFinite: builder.append(.text("\(real)"))
            // Reading the text as a String has put the replacement characters in.
            case let value: builder.append(value)
            }
        }
        builder.endRecord()
        let buffer = LineBuffer(capacity: 256)
        let encoder = RecordJSON(schema: batch.schema)
        _ = builder.finish().withCells { cells, bytes in encoder.append(cells, bytes, to: buffer) }
        buffer.cut(to: buffer.count - 1)
        return String(decoding: buffer.array, as: UTF8.self)
    }
}
