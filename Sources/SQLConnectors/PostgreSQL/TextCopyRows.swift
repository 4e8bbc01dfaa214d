/// Writes records as rows of COPY's text form: https://www.postgresql.org/docs/15/sql-copy.html#id-1.9.3.55.9.2
///
/// The server reads each value by the target type's own input function, which takes it exactly or refuses it. Where an input function
/// would take something else for the value, the record is refused here.
struct TextCopyRows {
    /// The target's kinds, in the order of the records' columns.
    let kinds: [PostgreSQLColumn.Kind]
    /// Whether each row begins with one column more: its position in the batch.
    var isNumbered = false

    /// A value that the target column cannot hold without a quiet change.
    struct Unfit: Error {
        /// Position among the rows given.
        var row: Int
        var column: Int
        var cause: String
    }

    /// Appends rows until the buffer holds `pieceBytes` or the rows are at their end.
    ///
    /// - Parameters:
    ///   - rows: positions in the batch; those that were written are taken off its beginning.
    func append(_ rows: inout Range<Int>, of batch: RecordBatch, to buffer: LineBuffer, pieceBytes: Int) throws(Unfit) {
        let width = kinds.count
        let unfit: Unfit? = batch.withCells { cells, bytes in
            while !rows.isEmpty, buffer.count < pieceBytes {
                let row = rows.lowerBound
                if isNumbered {
                    buffer.append(integer: Int64(row))
                    buffer.reserve(1)
                    buffer.append(UInt8(ascii: "\t"))
                }
                for column in 0..<width {
                    if let cause = append(cells[row * width + column], bytes, to: kinds[column], buffer) {
                        return Unfit(row: row, column: column, cause: cause)
                    }
                    buffer.reserve(1)
                    buffer.append(column + 1 < width ? UInt8(ascii: "\t") : UInt8(ascii: "\n"))
                }
                rows = row + 1..<rows.upperBound
            }
            return nil
        }
        if let unfit { throw unfit }
    }

    /// Returns why a value does not fit.
    @inline(__always)
    private func append(
        _ cell: Cell,
        _ bytes: UnsafeBufferPointer<UInt8>,
        to kind: PostgreSQLColumn.Kind,
        _ buffer: LineBuffer
    ) -> String? {
        switch cell.kind {
        case .null:
            buffer.reserve(2)
            buffer.append(UInt8(ascii: "\\"))
            buffer.append(UInt8(ascii: "N"))
        case .integer: return append(cell.integer, to: kind, buffer)
        case .real: return append(cell.real, to: kind, buffer)
        case .text:
            let text = UnsafeBufferPointer(rebasing: bytes[cell.byteRange])
            switch kind {
            case .bytes: append(hexadecimal: text, to: buffer)
            case .other, .text(limit: nil), .integer: return append(text: text, to: buffer)
            default: return kind.misfit(of: text) ?? append(text: text, to: buffer)
            }
        case .blob:
            guard kind == .bytes else {
                return "holds bytes, and the column takes none (cast it in the query, or make the column bytea)"
            }
            append(hexadecimal: UnsafeBufferPointer(rebasing: bytes[cell.byteRange]), to: buffer)
        }
        return nil
    }

    private func append(_ integer: Int64, to kind: PostgreSQLColumn.Kind, _ buffer: LineBuffer) -> String? {
        switch kind {
        case .bytes: return "holds a number, and the column takes bytes"
        case .float4 where Int64(exactly: Float(integer)) != integer,
            .float8 where Int64(exactly: Double(integer)) != integer:
            return "holds \(integer), which the column's floating-point type cannot hold exactly"
        default:
            buffer.append(integer: integer)
            return nil
        }
    }

    private func append(_ real: Double, to kind: PostgreSQLColumn.Kind, _ buffer: LineBuffer) -> String? {
        switch kind {
        case .bytes: return "holds a number, and the column takes bytes"
        case .float4 where Double(Float(real)) != real && !real.isNaN:
            return "holds \(real), which the column's type real cannot hold exactly"
        case .integer:
            if let integer = Int64(exactly: real) {
                buffer.append(integer: integer)
                return nil
            }
        case .numeric(.some):
            var text = "\(real)"
            if let misfit = text.withUTF8({ kind.misfit(of: $0) }) { return misfit }
        default: break
        }
        if real.isFinite {
            buffer.append(real: real)
        } else {
            var text = real.isNaN ? "NaN" : real < 0 ? "-Infinity" : "Infinity"
            text.withUTF8 { buffer.append($0) }
        }
        return nil
    }

    /// Appends text with COPY's escapes; PostgreSQL has no text with a zero byte.
    private func append(text: UnsafeBufferPointer<UInt8>, to buffer: LineBuffer) -> String? {
        // No byte becomes more than two.
        buffer.reserve(text.count * 2)
        let raw = UnsafeRawBufferPointer(text)
        var index = 0
        while index < text.count {
            if text.count - index >= 8 {
                // Within the text, by the line above; loadUnaligned asks for no alignment.
                let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                if Self.isPlain(word) {
                    buffer.append(eight: word)
                    index += 8
                    continue
                }
            }
            let byte = text[index]
            switch byte {
            case 0: return "holds text with a zero byte, which PostgreSQL has no form for"
            case UInt8(ascii: "\\"): append(escape: byte, to: buffer)
            case UInt8(ascii: "\n"): append(escape: UInt8(ascii: "n"), to: buffer)
            case UInt8(ascii: "\r"): append(escape: UInt8(ascii: "r"), to: buffer)
            case UInt8(ascii: "\t"): append(escape: UInt8(ascii: "t"), to: buffer)
            default: buffer.append(byte)
            }
            index += 1
        }
        return nil
    }

    /// Whether none of eight bytes needs an escape or is zero: none is below 0x20 or a backslash.
    ///
    /// The usual "has a byte that is less than n / zero" tests on a whole word, exact for bytes below 0x80 that follow none that matches,
    /// so that a borrow can only report a byte too many; bytes from 0x80 on are masked out of the first test by `~word`.
    @inline(__always)
    private static func isPlain(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let high: UInt64 = 0x8080_8080_8080_8080
        let backslash = word ^ ones &* 0x5C
        return ((word &- ones &* 0x20) & ~word | (backslash &- ones) & ~backslash) & high == 0
    }

    @inline(__always)
    private func append(escape letter: UInt8, to buffer: LineBuffer) {
        buffer.append(UInt8(ascii: "\\"))
        buffer.append(letter)
    }

    /// `\\x…`: the backslash is COPY's escape for one, which bytea's own text form begins with.
    private func append(hexadecimal bytes: UnsafeBufferPointer<UInt8>, to buffer: LineBuffer) {
        buffer.reserve(bytes.count * 2 + 3)
        buffer.append(UInt8(ascii: "\\"))
        buffer.append(UInt8(ascii: "\\"))
        buffer.append(UInt8(ascii: "x"))
        for byte in bytes {
            buffer.append(Self.digit(byte >> 4))
            buffer.append(Self.digit(byte & 15))
        }
    }

    @inline(__always)
    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value
    }
}
