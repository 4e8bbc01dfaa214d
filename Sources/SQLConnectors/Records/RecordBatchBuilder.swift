/// Collects records, value by value in the schema's order, into a batch.
public struct RecordBatchBuilder {
    private let schema: RecordSchema
    private let firstOrdinal: Int64
    private var cells: [Cell] = []
    private var bytes: [UInt8] = []
    private var byteEnds: [Int] = []
    private var openBytes = 0

    /// - Parameters:
    ///   - firstOrdinal: the ordinal of the first record; the others follow without gaps.
    ///   - capacity: about how many records and bytes will come, so that storage grows once.
    public init(schema: RecordSchema, firstOrdinal: Int64, capacity: (records: Int, bytes: Int) = (0, 0)) {
        self.schema = schema
        self.firstOrdinal = firstOrdinal
        cells.reserveCapacity(capacity.records * schema.columns.count)
        byteEnds.reserveCapacity(capacity.records)
        bytes.reserveCapacity(capacity.bytes)
    }

    /// Whole records so far.
    public var count: Int { byteEnds.count }
    /// Bytes of the whole records so far.
    public var byteCount: Int { byteEnds.last ?? 0 }
    /// Bytes of the record that is being appended.
    var openByteCount: Int { openBytes }

    /// Appends the next value of the record.
    public mutating func append(_ value: Value) {
        switch value {
        case .null: append(Cell(bits: 0, length: 0, kind: .null))
        case .integer(let integer): append(Cell(bits: UInt64(bitPattern: integer), length: 0, kind: .integer))
        case .real(let real): append(Cell(bits: real.bitPattern, length: 0, kind: .real))
        case .text(let text): append(Array(text.utf8), kind: .text)
        case .blob(let blob): append(blob, kind: .blob)
        }
    }

    mutating func append(_ cell: Cell) {
        cells.append(cell)
        openBytes += cell.byteCount
    }

    /// Appends the bytes of a text or blob.
    mutating func append(_ content: some Collection<UInt8>, kind: Cell.Kind) {
        append(Cell(bits: UInt64(bytes.count), length: UInt32(content.count), kind: kind))
        bytes.append(contentsOf: content)
    }

    /// Ends the record; it must have a value for every column.
    public mutating func endRecord() {
        byteEnds.append(byteCount + openBytes)
        openBytes = 0
        precondition(cells.count == byteEnds.count * schema.columns.count, "a record has one value for each column")
    }

    /// The batch of all whole records.
    public consuming func finish() -> RecordBatch {
        let storage = RecordBatch.Storage(
            schema: schema,
            firstOrdinal: firstOrdinal,
            cells: cells,
            bytes: bytes,
            byteEnds: byteEnds
        )
        return RecordBatch(storage: storage, rows: 0..<byteEnds.count)
    }
}
