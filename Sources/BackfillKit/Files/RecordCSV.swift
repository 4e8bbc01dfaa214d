public import SQLConnectors

/// Records as comma-separated values (RFC 4180, but lines end in `\n` alone), below one header line of the column names.
///
/// NULL is an empty field, empty text is `""`. Text is quoted only where it must be; line feeds inside a field stay as they are, so a
/// record may span lines. Integers are exact, reals have the fewest digits that read back the same, blobs are base64. NaN, infinities and
/// text that is not UTF-8 refuse their record, as in ``RecordJSON``.
public struct RecordCSV: RecordEncoder, Sendable {
    /// The column names and their line feed.
    let header: [UInt8]

    /// Writes the header line, once for all records.
    public init(schema: RecordSchema) {
        let buffer = LineBuffer()
        for (index, column) in schema.columns.enumerated() {
            buffer.reserve(1)
            if index > 0 { buffer.append(UInt8(ascii: ",")) }
            var name = column.name
            // A String's bytes are always UTF-8.
            name.withUTF8 { _ = Self.append(text: $0, to: buffer) }
        }
        buffer.reserve(1)
        buffer.append(UInt8(ascii: "\n"))
        header = buffer.array
    }

    func append(_ cells: UnsafeBufferPointer<Cell>, _ bytes: UnsafeBufferPointer<UInt8>, to buffer: LineBuffer)
        -> UnwritableCell?
    {
        for column in cells.indices {
            let cell = cells[column]
            buffer.reserve(1)
            if column > 0 { buffer.append(UInt8(ascii: ",")) }
            switch cell.kind {
            case .null: break
            case .integer: buffer.append(integer: cell.integer)
            case .real:
                guard cell.real.isFinite else { return UnwritableCell(column: column, reason: .notFinite) }
                buffer.append(real: cell.real)
            case .text:
                if let reason = Self.append(text: UnsafeBufferPointer(rebasing: bytes[cell.byteRange]), to: buffer) {
                    return UnwritableCell(column: column, reason: reason)
                }
            case .blob:
                let blob = UnsafeBufferPointer(rebasing: bytes[cell.byteRange])
                // An empty blob is not NULL.
                if blob.isEmpty { _ = Self.append(text: blob, to: buffer) } else { buffer.append(base64: blob) }
            }
        }
        buffer.reserve(1)
        buffer.append(UInt8(ascii: "\n"))
        return nil
    }

    private static func append(text: UnsafeBufferPointer<UInt8>, to buffer: LineBuffer) -> UnwritableCell.Reason? {
        var mustQuote = text.isEmpty
        var quotes = 0
        var index = 0
        while index < text.count {
            let byte = text[index]
            if byte >= 0x80 {
                guard let length = UTF8Check.length(of: text, at: index) else { return .notUTF8(offset: index) }
                index += length
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): quotes += 1
            case UInt8(ascii: ","), 0x0A, 0x0D: mustQuote = true
            default: break
            }
            index += 1
        }
        guard mustQuote || quotes > 0 else {
            buffer.append(text)
            return nil
        }
        buffer.reserve(text.count + quotes + 2)
        buffer.append(UInt8(ascii: "\""))
        for byte in text {
            if byte == UInt8(ascii: "\"") { buffer.append(byte) }
            buffer.append(byte)
        }
        buffer.append(UInt8(ascii: "\""))
        return nil
    }
}
