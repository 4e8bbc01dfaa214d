import GRDBSQLite

/// What SQLite answered instead of success.
struct SQLiteFailure: Error, CustomStringConvertible {
    /// The extended result code.
    var code: Int32
    /// SQLite's own text.
    var message: String
    /// Byte offset in the SQL text that the error is about, when SQLite knows.
    var offset: Int?

    /// The result code without its extension.
    var primaryCode: Int32 { code & 0xff }
    var description: String { message }
}

/// A thin hold of one SQLite connection, for what the connectors need and a general library does not show: the rest of a statement's
/// text, whether it writes, where it is wrong, and stepping without an object for each value.
///
/// Not sendable: whoever owns it uses it on one queue.
package final class SQLiteConnection {
    /// Never nil between `init` and `deinit`; SQLite owns what it points to.
    let handle: OpaquePointer

    /// - Parameters:
    ///   - uri: a `file:` URI, which says by `mode=` what may be done.
    ///   - busyTimeout: how long to wait for another program's lock.
    package init(uri: String, busyTimeout: Duration = .seconds(5)) throws {
        var opened: OpaquePointer?
        let flags =
            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX
        let code = sqlite3_open_v2(uri, &opened, flags, nil)
        guard let opened else { throw SQLiteFailure(code: SQLITE_NOMEM, message: "out of memory") }
        guard code == SQLITE_OK else {
            defer { sqlite3_close_v2(opened) }
            throw SQLiteFailure(code: code, message: String(cString: sqlite3_errmsg(opened)))
        }
        handle = opened
        sqlite3_busy_timeout(handle, Int32(busyTimeout / .milliseconds(1)))
    }

    deinit { sqlite3_close_v2(handle) }

    /// A `file:` URI for a path; `?`, `#` and `%` in it are part of the name.
    package static func uri(_ path: String, mode: String) -> String {
        var escaped = ""
        for character in path.unicodeScalars {
            switch character {
            case "%": escaped += "%25"
            case "?": escaped += "%3f"
            case "#": escaped += "%23"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return "file:\(escaped)?mode=\(mode)"
    }

    /// What the last call on this connection failed with.
    func failure() -> SQLiteFailure {
        let offset = sqlite3_error_offset(handle)
        return SQLiteFailure(
            code: sqlite3_extended_errcode(handle),
            message: String(cString: sqlite3_errmsg(handle)),
            offset: offset >= 0 ? Int(offset) : nil
        )
    }

    /// Runs statements that give no rows.
    package func execute(_ sql: String) throws {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure() }
    }

    /// Prepares the first statement of a text that holds exactly one.
    package func prepare(_ sql: String) throws -> SQLiteStatement {
        guard let statement = try prepareFirst(of: sql).statement else {
            throw SQLiteFailure(code: SQLITE_MISUSE, message: "there is no statement in the text")
        }
        return statement
    }

    /// Prepares the first statement of a text.
    ///
    /// - Returns: the statement (nil when the text holds only blanks and comments), and the text behind it.
    func prepareFirst(of sql: String) throws -> (statement: SQLiteStatement?, rest: String) {
        var prepared: OpaquePointer?
        var sql = sql
        // `tail` points into the UTF-8 that `withUTF8` holds still for the time of the closure.
        let (code, consumed) = sql.withUTF8 { text in
            text.withMemoryRebound(to: CChar.self) { text in
                var tail: UnsafePointer<CChar>?
                let code = sqlite3_prepare_v3(
                    handle,
                    text.baseAddress,
                    Int32(text.count),
                    UInt32(SQLITE_PREPARE_PERSISTENT),
                    &prepared,
                    &tail
                )
                let consumed = if let tail, let start = text.baseAddress { tail - start } else { 0 }
                return (code, consumed)
            }
        }
        guard code == SQLITE_OK else { throw failure() }
        let rest = String(decoding: Array(sql.utf8).dropFirst(consumed), as: UTF8.self)
        return (prepared.map { SQLiteStatement(handle: $0, connection: self) }, rest)
    }

    /// Ends what a connection is doing; may be used from any thread, also while the connection is at work.
    ///
    /// Sendable though the compiler cannot see it: all that it does with the connection is sqlite3_interrupt, which SQLite allows from any
    /// thread while the connection is open, and this reference keeps it open.
    struct Interrupter: @unchecked Sendable {
        fileprivate let connection: SQLiteConnection

        func interrupt() { sqlite3_interrupt(connection.handle) }
    }

    var interrupter: Interrupter { Interrupter(connection: self) }

    /// Whether a transaction is open.
    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }
}

/// A prepared statement; finalized with its last reference, and before its connection since it holds that.
package final class SQLiteStatement {
    let handle: OpaquePointer
    let connection: SQLiteConnection

    init(handle: OpaquePointer, connection: SQLiteConnection) {
        self.handle = handle
        self.connection = connection
    }

    deinit { sqlite3_finalize(handle) }

    /// Steps once.
    ///
    /// - Returns: whether there is a row to read.
    package func step() throws -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw connection.failure()
        }
    }

    /// Runs to the end and makes the statement ready for the next time.
    func run() throws {
        defer { reset() }
        while try step() {}
    }

    /// Makes the statement ready for the next time; its last error was already thrown by `step`.
    package func reset() { sqlite3_reset(handle) }

    package func bind(_ value: Value, at index: Int32) {
        // SQLITE_TRANSIENT: SQLite copies the bytes before the call returns.
        let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        switch value {
        case .null: sqlite3_bind_null(handle, index)
        case .integer(let integer): sqlite3_bind_int64(handle, index, integer)
        case .real(let real): sqlite3_bind_double(handle, index, real)
        case .text(var text):
            text.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) { bytes in
                    _ = sqlite3_bind_text64(
                        handle,
                        index,
                        bytes.baseAddress ?? Self.noBytes,
                        UInt64(bytes.count),
                        transient,
                        UInt8(SQLITE_UTF8)
                    )
                }
            }
        case .blob(let blob):
            blob.withUnsafeBytes { bytes in
                if bytes.isEmpty {
                    _ = sqlite3_bind_zeroblob(handle, index, 0)
                } else {
                    _ = sqlite3_bind_blob64(handle, index, bytes.baseAddress, UInt64(bytes.count), transient)
                }
            }
        }
    }

    package func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
    package func text(_ column: Int32) -> String? { sqlite3_column_text(handle, column).map { String(cString: $0) } }

    /// Empty text is not NULL: SQLite needs a pointer that is not nil, and never reads from it. A string literal lives for ever.
    static var noBytes: UnsafePointer<CChar> {
        UnsafeRawPointer(StaticString("").utf8Start).assumingMemoryBound(to: CChar.self)
    }
}

/// Names in SQL made here are always quoted.
package func quotedIdentifier(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }
