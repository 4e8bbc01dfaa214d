/// Records with consecutive ordinals, as one object that crosses task boundaries; slices share its storage.
public struct RecordBatch: Sendable {
    /// Written once by a builder, then only read.
    final class Storage: Sendable {
        let schema: RecordSchema
        let firstOrdinal: Int64
        let cells: [Cell]
        let bytes: [UInt8]
        /// Bytes of all records up to and including each one.
        let byteEnds: [Int]

        init(schema: RecordSchema, firstOrdinal: Int64, cells: [Cell], bytes: [UInt8], byteEnds: [Int]) {
            self.schema = schema
            self.firstOrdinal = firstOrdinal
            self.cells = cells
            self.bytes = bytes
            self.byteEnds = byteEnds
        }
    }

    let storage: Storage
    let rows: Range<Int>

    init(storage: Storage, rows: Range<Int>) {
        self.storage = storage
        self.rows = rows
    }

    /// The columns.
    public var schema: RecordSchema { storage.schema }
    /// Records in the batch.
    public var count: Int { rows.count }
    /// The ordinal of the first record.
    public var firstOrdinal: Int64 { storage.firstOrdinal + Int64(rows.lowerBound) }
    /// The ordinal behind the last record.
    public var endOrdinal: Int64 { storage.firstOrdinal + Int64(rows.upperBound) }
    /// Bytes of the records, counted as ``Cell/byteCount`` says.
    public var byteCount: Int {
        guard !rows.isEmpty else { return 0 }
        return storage.byteEnds[rows.upperBound - 1] - (rows.lowerBound > 0 ? storage.byteEnds[rows.lowerBound - 1] : 0)
    }

    /// The records at some positions (from 0); O(1).
    public func slice(_ range: Range<Int>) -> RecordBatch {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "positions outside the batch")
        return RecordBatch(
            storage: storage,
            rows: rows.lowerBound + range.lowerBound..<rows.lowerBound + range.upperBound
        )
    }

    /// The value of a record (position from 0) in a column.
    public subscript(row: Int, column: Int) -> Value {
        // Beyond its edges a slice would answer with a neighbour's value.
        precondition(row >= 0 && row < count && schema.columns.indices.contains(column), "no such cell in the batch")
        let cell = storage.cells[(rows.lowerBound + row) * schema.columns.count + column]
        switch cell.kind {
        case .null: return .null
        case .integer: return .integer(cell.integer)
        case .real: return .real(cell.real)
        case .text: return .text(String(decoding: storage.bytes[cell.byteRange], as: UTF8.self))
        case .blob: return .blob(Array(storage.bytes[cell.byteRange]))
        }
    }

    /// The record id of the record at a position: the key's text; an integer in decimal, a real in its shortest exact form, a blob
    /// in hexadecimal. The key of a staged record is never NULL.
    public func key(at row: Int) -> String { self[row, schema.keyIndex].recordID }

    /// For hot loops: the cells of all the batch's records, row by row, and the bytes that text and blob cells point into.
    ///
    /// - Parameter body: gets both for the time of the call only.
    public func withCells<Result>(
        _ body: (_ cells: UnsafeBufferPointer<Cell>, _ bytes: UnsafeBufferPointer<UInt8>) throws -> Result
    ) rethrows -> Result {
        let width = schema.columns.count
        return try storage.cells.withUnsafeBufferPointer { cells in
            try storage.bytes.withUnsafeBufferPointer { bytes in
                try body(UnsafeBufferPointer(rebasing: cells[rows.lowerBound * width..<rows.upperBound * width]), bytes)
            }
        }
    }
}

/// How much one batch may hold; whichever is reached first ends it.
public struct BatchLimit: Codable, Hashable, Sendable {
    /// Records.
    public var records: Int
    /// Bytes, counted as ``Cell/byteCount`` says. A single record that is larger comes alone.
    public var bytes: Int

    /// Both are at least 1.
    public init(records: Int, bytes: Int) {
        self.records = max(1, records)
        self.bytes = max(1, bytes)
    }
}
