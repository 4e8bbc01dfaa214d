import GRDBSQLite

extension SQLiteStatement {
    /// The size of the row that the statement stands on, counted as ``Cell/byteCount`` says, without fetching its values.
    func byteCount(columns: Range<Int32>) -> Int {
        var total = 0
        for column in columns {
            switch sqlite3_column_type(handle, column) {
            case SQLITE_INTEGER, SQLITE_FLOAT: total += 8
            case SQLITE_TEXT, SQLITE_BLOB: total += Int(sqlite3_column_bytes(handle, column))
            default: break
            }
        }
        return total
    }

    /// Appends the row that the statement stands on as a record.
    func appendRecord(columns: Range<Int32>, to builder: inout RecordBatchBuilder) {
        for column in columns {
            switch sqlite3_column_type(handle, column) {
            case SQLITE_INTEGER:
                let bits = UInt64(bitPattern: sqlite3_column_int64(handle, column))
                builder.append(Cell(bits: bits, length: 0, kind: .integer))
            case SQLITE_FLOAT:
                builder.append(Cell(bits: sqlite3_column_double(handle, column).bitPattern, length: 0, kind: .real))
            case SQLITE_TEXT: append(sqlite3_column_text(handle, column), column, kind: .text, to: &builder)
            case SQLITE_BLOB:
                let bytes = sqlite3_column_blob(handle, column)?.assumingMemoryBound(to: UInt8.self)
                append(bytes, column, kind: .blob, to: &builder)
            default: builder.append(Cell(bits: 0, length: 0, kind: .null))
            }
        }
        builder.endRecord()
    }

    /// SQLite's pointer is good until the next step, and the bytes are copied here. It is nil for empty content.
    private func append(
        _ start: UnsafePointer<UInt8>?,
        _ column: Int32,
        kind: Cell.Kind,
        to builder: inout RecordBatchBuilder
    ) {
        let count = Int(sqlite3_column_bytes(handle, column))
        builder.append(UnsafeBufferPointer(start: start, count: start == nil ? 0 : count), kind: kind)
    }
}
