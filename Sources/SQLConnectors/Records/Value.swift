/// One value, for single access at the edges; hot loops use ``Cell``.
public enum Value: Hashable, Sendable {
    /// No value.
    case null
    /// A 64-bit integer.
    case integer(Int64)
    /// A double.
    case real(Double)
    /// Text; bytes that are not UTF-8 read as replacement characters here, and stay exact in the batch.
    case text(String)
    /// Bytes.
    case blob([UInt8])

    /// As the text of a record id.
    var recordID: String {
        switch self {
        case .null: ""
        case .integer(let integer): String(integer)
        case .real(let real): String(real)
        case .text(let text): text
        case .blob(let bytes): bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }
}

/// One value of a batch in 16 bytes: a number in place, or where its bytes lie in the batch.
public struct Cell: Sendable {
    /// What a cell holds.
    public enum Kind: UInt8, Sendable {
        /// No value.
        case null
        /// A 64-bit integer, in `bits`.
        case integer
        /// A double, its pattern in `bits`.
        case real
        /// Bytes of text, at offset `bits` of the batch's bytes.
        case text
        /// Bytes, at offset `bits` of the batch's bytes.
        case blob
    }

    /// The integer, the double's bit pattern, or the offset of the first byte.
    public var bits: UInt64
    /// Bytes of a text or blob, else 0. SQLite's own limit is below 2^31.
    public var length: UInt32
    /// What it holds.
    public var kind: Kind

    /// The integer of an integer cell.
    public var integer: Int64 { Int64(bitPattern: bits) }
    /// The double of a real cell.
    public var real: Double { Double(bitPattern: bits) }
    /// Where the bytes of a text or blob cell lie.
    public var byteRange: Range<Int> { Int(bits)..<Int(bits) + Int(length) }

    /// What a value counts for in batch limits and in buckets by bytes: 8 for a number, its bytes for text and blobs, 0 for NULL.
    public var byteCount: Int {
        switch kind {
        case .null: 0
        case .integer, .real: 8
        case .text, .blob: Int(length)
        }
    }
}
