import GRDB
import GRDBSQLite

/// A statement that is prepared once and run without a result, through SQLite itself: for each event GRDB's arguments and observers would
/// cost as much as SQLite's own work.
struct HistoryStatement {
    private let statement: OpaquePointer
    private let connection: OpaquePointer?

    init(_ sql: String, _ db: Database) throws {
        statement = try db.cachedStatement(sql: sql).sqliteStatement
        connection = db.sqliteConnection
    }

    func bind(_ index: Int32, _ integer: Int64) { sqlite3_bind_int64(statement, index, integer) }

    /// Runs with what is bound and, at `index`, this text in UTF-8.
    ///
    /// - Throws: `DatabaseError`.
    func run(binding index: Int32, _ text: UnsafeBufferPointer<UInt8>) throws {
        // SQLITE_STATIC: the statement is reset, and forgets the bytes, before the caller takes them back.
        text.withMemoryRebound(to: CChar.self) {
            _ = sqlite3_bind_text(statement, index, $0.baseAddress, Int32($0.count), nil)
        }
        defer { sqlite3_bind_null(statement, index) }
        try run()
    }

    /// Runs with what is bound, which stays bound.
    ///
    /// - Throws: `DatabaseError`.
    func run() throws {
        defer { sqlite3_reset(statement) }
        guard sqlite3_step(statement) == SQLITE_DONE else {
            throw DatabaseError(
                resultCode: ResultCode(rawValue: sqlite3_extended_errcode(connection)),
                message: String(cString: sqlite3_errmsg(connection))
            )
        }
    }
}
