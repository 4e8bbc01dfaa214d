import GRDBSQLite

extension SQLiteStatement {
    /// Runs the statement with one record's cells as its parameters, and makes it ready for the next record.
    ///
    /// The bytes are bound without a copy (SQLITE_STATIC, nil): the caller is in the batch's `withCells`, which holds them still, and the
    /// next step comes only after all parameters were bound anew.
    ///
    /// - Returns: what SQLite answered, when it did not take the record.
    func insert(_ cells: Slice<UnsafeBufferPointer<Cell>>, _ bytes: UnsafeBufferPointer<UInt8>) -> SQLiteFailure? {
        defer { reset() }
        var index: Int32 = 1
        for cell in cells {
            guard bind(cell, of: bytes, at: index) == SQLITE_OK else { return connection.failure() }
            index += 1
        }
        return sqlite3_step(handle) == SQLITE_DONE ? nil : connection.failure()
    }

    private func bind(_ cell: Cell, of bytes: UnsafeBufferPointer<UInt8>, at index: Int32) -> Int32 {
        switch cell.kind {
        case .null: return sqlite3_bind_null(handle, index)
        case .integer: return sqlite3_bind_int64(handle, index, cell.integer)
        case .real: return sqlite3_bind_double(handle, index, cell.real)
        case .text:
            let start = bytes.baseAddress.map {
                UnsafeRawPointer($0 + Int(cell.bits)).assumingMemoryBound(to: CChar.self)
            }
            let length = UInt64(cell.length)
            return sqlite3_bind_text64(handle, index, start ?? Self.noBytes, length, nil, UInt8(SQLITE_UTF8))
        case .blob:
            guard cell.length > 0 else { return sqlite3_bind_zeroblob(handle, index, 0) }
            let start = bytes.baseAddress.map { $0 + Int(cell.bits) }
            return sqlite3_bind_blob64(handle, index, start, UInt64(cell.length), nil)
        }
    }
}
