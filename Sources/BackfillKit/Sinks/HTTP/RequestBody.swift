import NIOCore
import SQLConnectors

/// The records of a batch as JSON: encoded once, then cut as requests need it.
struct RequestBody: Sendable {
    /// A record that JSON has no form for.
    struct Unwritable: Sendable {
        var position: Int
        var rejection: RecordRejected
    }

    /// All objects, one after the other, each with its separator.
    private let bytes: ByteBuffer
    /// The end of each one, separator included; equal to the one before where there is none.
    private let ends: [Int]
    private let form: HTTPSinkSpec.Body
    /// Not part of any body.
    let unwritable: [Unwritable]

    init(_ records: RecordBatch, as form: HTTPSinkSpec.Body) {
        let encoder = RecordJSON(schema: records.schema)
        let buffer = LineBuffer(capacity: records.byteCount)
        var ends: [Int] = []
        var unwritable: [Unwritable] = []
        let width = records.schema.columns.count
        records.withCells { cells, text in
            for position in 0..<records.count {
                let start = buffer.count
                let record = UnsafeBufferPointer(rebasing: cells[position * width..<(position + 1) * width])
                if let cell = encoder.append(record, text, to: buffer) {
                    buffer.cut(to: start)
                    unwritable.append(
                        Unwritable(position: position, rejection: cell.rejection(of: records, at: position, by: "JSON"))
                    )
                } else if form == .array {
                    buffer.cut(to: buffer.count - 1)
                    buffer.append(UInt8(ascii: ","))
                }
                ends.append(buffer.count)
            }
        }
        bytes = buffer.withBytes { ByteBuffer(bytes: $0) }
        self.ends = ends
        self.form = form
        self.unwritable = unwritable
    }

    /// The body of a request with the records at these positions, at least one; a single one where the form is `record`.
    func bytes(of range: Range<Int>) -> ByteBuffer {
        let start = range.lowerBound == 0 ? 0 : ends[range.lowerBound - 1]
        let end = ends[range.upperBound - 1]
        // Within what was written, as ends only grow.
        switch form {
        case .record: return bytes.getSlice(at: start, length: end - start - 1) ?? ByteBuffer()
        case .ndjson: return bytes.getSlice(at: start, length: end - start) ?? ByteBuffer()
        case .array:
            var array = ByteBuffer()
            array.reserveCapacity(end - start + 1)
            array.writeInteger(UInt8(ascii: "["))
            array.writeImmutableBuffer(bytes.getSlice(at: start, length: end - start - 1) ?? ByteBuffer())
            array.writeInteger(UInt8(ascii: "]"))
            return array
        }
    }
}

extension HTTPSinkSpec.Body {
    /// The media type of a body, unless the spec gives another.
    var contentType: String {
        switch self {
        case .record, .array: "application/json"
        case .ndjson: "application/x-ndjson"
        }
    }
}
