import GRDBSQLite

/// Takes rows of COPY's binary form apart: https://www.postgresql.org/docs/15/sql-copy.html#id-1.9.3.55.9.4
struct BinaryCopyRows {
    private let types: [PostgreSQLWireType]
    private let keyIndex: Int
    private var isHeaderRead = false
    /// Whether the key of the last row is NULL.
    private(set) var isKeyMissing = false

    init(types: [PostgreSQLWireType], keyIndex: Int) {
        self.types = types
        self.keyIndex = keyIndex
    }

    /// The data is not what PostgreSQL sends.
    struct Malformed: Error, CustomStringConvertible {
        var description: String {
            "The server sent rows in an unknown form; this speaks the binary COPY of PostgreSQL 7.4 and later."
        }
    }

    /// Binds the values of one message's row to an INSERT.
    ///
    /// Text and bytes are bound in place (SQLITE_STATIC, nil): the caller steps the statement before it lets go of the message.
    ///
    /// - Returns: whether the message held a row; the last one only says that there are no more.
    mutating func bind(_ message: UnsafeRawBufferPointer, to insert: SQLiteStatement) throws -> Bool {
        guard let position = try beginRow(message) else { return false }
        isKeyMissing = false
        try Self.fields(message, from: position, count: types.count) { index, field in
            guard let field else {
                if index == keyIndex { isKeyMissing = true }
                sqlite3_bind_null(insert.handle, Int32(index + 1))
                return
            }
            try Self.bind(field, as: types[index], to: insert, at: Int32(index + 1))
        }
        return true
    }

    /// Appends one message's row to a batch, with the values that a staged result would have.
    ///
    /// - Parameter byteLimit: a row that would take a batch that is not empty beyond it is left out.
    mutating func append(
        _ message: UnsafeRawBufferPointer,
        to builder: inout RecordBatchBuilder,
        byteLimit: Int
    ) throws -> Appended {
        guard let position = try beginRow(message) else { return .noRow }
        if builder.count > 0 {
            var size = 0
            try Self.fields(message, from: position, count: types.count) { index, field in
                size += field.map { types[index].byteCount ?? $0.count } ?? 0
            }
            if builder.byteCount + size > byteLimit { return .full }
        }
        try Self.fields(message, from: position, count: types.count) { index, field in
            guard let field else {
                if index == keyIndex { isKeyMissing = true }
                return builder.append(Cell(bits: 0, length: 0, kind: .null))
            }
            try Self.append(field, as: types[index], to: &builder)
        }
        builder.endRecord()
        return .row
    }

    /// What became of a message.
    enum Appended { case row, noRow, full }

    /// Reads what comes before a row's fields; nil when the message holds no row.
    private mutating func beginRow(_ message: UnsafeRawBufferPointer) throws -> Int? {
        var position = 0
        if !isHeaderRead {
            // 11 bytes of signature, 4 of flags, 4 for the length of an extension, which comes behind.
            guard message.count >= 19 else { throw Malformed() }
            position = 19 + Int(Self.number(message, at: 15, as: UInt32.self))
            isHeaderRead = true
            // The header may come by itself.
            if message.count == position { return nil }
        }
        guard message.count >= position + 2 else { throw Malformed() }
        let fields = Self.number(message, at: position, as: Int16.self)
        if fields == -1 { return nil }
        guard Int(fields) == types.count else { throw Malformed() }
        return position + 2
    }

    /// Goes over a row's fields; nil stands for NULL.
    private static func fields(
        _ message: UnsafeRawBufferPointer,
        from start: Int,
        count: Int,
        _ body: (_ index: Int, _ field: UnsafeRawBufferPointer?) throws -> Void
    ) throws {
        var position = start
        for index in 0..<count {
            guard message.count >= position + 4 else { throw Malformed() }
            let length = Int(Self.number(message, at: position, as: Int32.self))
            position += 4
            guard length >= 0 else {
                try body(index, nil)
                continue
            }
            guard message.count >= position + length else { throw Malformed() }
            try body(index, UnsafeRawBufferPointer(rebasing: message[position..<position + length]))
            position += length
        }
    }

    private static func append(
        _ field: UnsafeRawBufferPointer,
        as type: PostgreSQLWireType,
        to builder: inout RecordBatchBuilder
    ) throws {
        func number<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Number {
            guard field.count == MemoryLayout<Number>.size else { throw Malformed() }
            return Self.number(field, at: 0, as: type)
        }
        func integer(_ value: Int64) {
            builder.append(Cell(bits: UInt64(bitPattern: value), length: 0, kind: .integer))
        }
        func real(_ value: Double) {
            // As in a staged result, where there is no NaN either.
            if value.isNaN { return builder.append("NaN".utf8, kind: .text) }
            builder.append(Cell(bits: value.bitPattern, length: 0, kind: .real))
        }
        switch type {
        case .boolean: integer(Int64(try number(UInt8.self)))
        case .int16: integer(Int64(try number(Int16.self)))
        case .int32: integer(Int64(try number(Int32.self)))
        case .int64: integer(try number(Int64.self))
        case .oid: integer(Int64(try number(UInt32.self)))
        case .float32: real(Double(Float(bitPattern: try number(UInt32.self))))
        case .float64: real(Double(bitPattern: try number(UInt64.self)))
        case .text, .castToText: builder.append(field, kind: .text)
        case .bytes: builder.append(field, kind: .blob)
        }
    }

    /// A number in network byte order; the caller has checked that its bytes are there.
    private static func number<Number: FixedWidthInteger>(
        _ bytes: UnsafeRawBufferPointer,
        at offset: Int,
        as type: Number.Type
    ) -> Number {
        Number(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
    }

    private static func bind(
        _ field: UnsafeRawBufferPointer,
        as type: PostgreSQLWireType,
        to insert: SQLiteStatement,
        at index: Int32
    ) throws {
        func number<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Number {
            guard field.count == MemoryLayout<Number>.size else { throw Malformed() }
            return Self.number(field, at: 0, as: type)
        }
        let code: Int32
        switch type {
        case .boolean: code = sqlite3_bind_int64(insert.handle, index, Int64(try number(UInt8.self)))
        case .int16: code = sqlite3_bind_int64(insert.handle, index, Int64(try number(Int16.self)))
        case .int32: code = sqlite3_bind_int64(insert.handle, index, Int64(try number(Int32.self)))
        case .int64: code = sqlite3_bind_int64(insert.handle, index, try number(Int64.self))
        case .oid: code = sqlite3_bind_int64(insert.handle, index, Int64(try number(UInt32.self)))
        case .float32: code = bind(Double(Float(bitPattern: try number(UInt32.self))), to: insert, at: index)
        case .float64: code = bind(Double(bitPattern: try number(UInt64.self)), to: insert, at: index)
        case .text, .castToText:
            let start = field.baseAddress?.assumingMemoryBound(to: CChar.self) ?? SQLiteStatement.noBytes
            code = sqlite3_bind_text64(insert.handle, index, start, UInt64(field.count), nil, UInt8(SQLITE_UTF8))
        case .bytes:
            code =
                field.isEmpty
                ? sqlite3_bind_zeroblob(insert.handle, index, 0)
                : sqlite3_bind_blob64(insert.handle, index, field.baseAddress, UInt64(field.count), nil)
        }
        guard code == SQLITE_OK else { throw insert.connection.failure() }
    }

    /// SQLite has no NaN and would make NULL of it; its text stands for it, which PostgreSQL reads as NaN again.
    private static func bind(_ real: Double, to insert: SQLiteStatement, at index: Int32) -> Int32 {
        guard real.isNaN else { return sqlite3_bind_double(insert.handle, index, real) }
        return sqlite3_bind_text64(insert.handle, index, nan, 3, nil, UInt8(SQLITE_UTF8))
    }

    /// A string literal lives for ever.
    private static var nan: UnsafePointer<CChar> {
        UnsafeRawPointer(StaticString("NaN").utf8Start).assumingMemoryBound(to: CChar.self)
    }
}
