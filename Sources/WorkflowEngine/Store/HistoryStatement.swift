import GRDB
import GRDBSQLite

/// A statement that is prepared once and run without a result, through SQLite itself: for each event GRDB's arguments and observers would
/// cost as much as SQLite's own work.
struct HistoryStatement {
    /// A parameter.
    enum Value {
        case null
        case integer(Int64)
        case text(String)
    }

    private let statement: OpaquePointer
    private let connection: OpaquePointer?

    init(_ sql: String, _ db: Database) throws {
        statement = try db.cachedStatement(sql: sql).sqliteStatement
        connection = db.sqliteConnection
    }

    /// Binds the values from the first parameter on, and runs.
    ///
    /// - Throws: `DatabaseError`.
    func run(_ values: Value...) throws {
        for (index, value) in values.enumerated() { bind(value, Int32(index + 1)) }
        defer { sqlite3_reset(statement) }
        guard sqlite3_step(statement) == SQLITE_DONE else {
            throw DatabaseError(
                resultCode: ResultCode(rawValue: sqlite3_extended_errcode(connection)),
                message: String(cString: sqlite3_errmsg(connection))
            )
        }
    }

    private func bind(_ value: Value, _ index: Int32) {
        switch value {
        case .null: sqlite3_bind_null(statement, index)
        case .integer(let integer): sqlite3_bind_int64(statement, index, integer)
        case .text(var text):
            // SQLITE_TRANSIENT: SQLite copies the bytes before the call returns.
            let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
            text.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) {
                    _ = sqlite3_bind_text(statement, index, $0.baseAddress, Int32($0.count), transient)
                }
            }
        }
    }
}
