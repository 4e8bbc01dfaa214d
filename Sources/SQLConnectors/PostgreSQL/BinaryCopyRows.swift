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
        var position = 0
        if !isHeaderRead {
            // 11 bytes of signature, 4 of flags, 4 for the length of an extension, which comes behind.
            guard message.count >= 19 else { throw Malformed() }
            position = 19 + Int(Self.number(message, at: 15, as: UInt32.self))
            isHeaderRead = true
            // The header may come by itself.
            if message.count == position { return false }
        }
        guard message.count >= position + 2 else { throw Malformed() }
        let fields = Self.number(message, at: position, as: Int16.self)
        position += 2
        if fields == -1 { return false }
        guard Int(fields) == types.count else { throw Malformed() }
        for (index, type) in types.enumerated() {
            guard message.count >= position + 4 else { throw Malformed() }
            let length = Int(Self.number(message, at: position, as: Int32.self))
            position += 4
            guard length >= 0 else {
                if index == keyIndex { isKeyMissing = true }
                sqlite3_bind_null(insert.handle, Int32(index + 1))
                continue
            }
            guard message.count >= position + length else { throw Malformed() }
            let field = UnsafeRawBufferPointer(rebasing: message[position..<position + length])
            try Self.bind(field, as: type, to: insert, at: Int32(index + 1))
            position += length
        }
        return true
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
