import Foundation
import GRDBSQLite

/// The blocking part of a table sink: one connection, one thread, groups of batches in one transaction each.
///
/// The ledger row of a batch moves in the transaction that holds its records, so a batch that comes again, or cut otherwise, is
/// trimmed to what the table has not taken.
final class SQLiteTableWriter {
    /// A batch and whose it is.
    struct Item: Sendable {
        var records: RecordBatch
        var key: LedgerKey
    }

    private static let ledger = "_backfill_ledger"

    private let target: TableTarget
    private var open: Open?

    /// What belongs to one open connection; dropped as a whole when the target fails, and made anew by the next group.
    private struct Open {
        var connection: SQLiteConnection
        var readLedger: SQLiteStatement
        var moveLedger: SQLiteStatement
        var inserts: [[String]: SQLiteStatement] = [:]
        /// Next ordinals as committed.
        var nextOrdinals: [LedgerKey: Int64] = [:]
    }

    /// A trigger or conflict clause took the whole transaction back, or left something of a refused record behind.
    private struct GroupSpoiled: Error {}

    init(_ target: TableTarget) { self.target = target }

    /// Makes what is missing and checks the rest.
    func prepare(_ schema: RecordSchema) throws {
        try SQLiteTableCheck(target: target, schema: schema).run()
        try translatingFailures {
            let connection = try self.connected().connection
            if self.target.create {
                try connection.execute(SQLiteTableCheck(target: self.target, schema: schema).creation)
            }
            try SQLiteTableCheck(target: self.target, schema: schema).check(on: connection)
        }
    }

    /// Writes the batches in one transaction and answers for each.
    func commit(_ items: [Item]) -> [Result<WriteOutcome, any Error>] {
        do {
            return try translatingFailures {
                do {
                    return try self.transaction { try items.map { .success(try self.write($0)) } }
                } catch is GroupSpoiled {
                    return try items.map { .success(try self.writeAlone($0)) }
                }
            }
        } catch {
            return items.map { _ in .failure(error) }
        }
    }

    func close() { open = nil }

    // MARK: In a transaction

    /// Writes what the ledger has not seen, up to a record that is refused.
    private func write(_ item: Item) throws -> WriteOutcome {
        let start = try firstNew(item)
        guard start < item.records.count else { return .written }
        let insert = try insertStatement(for: item.records.schema)
        var refusal: (position: Int, failure: SQLiteFailure)?
        let changes = sqlite3_total_changes64(insert.connection.handle)
        var taken = start
        try item.records.withCells { cells, bytes in
            let width = item.records.schema.columns.count
            while taken < item.records.count {
                bind(UnsafeBufferPointer(rebasing: cells[taken * width..<(taken + 1) * width]), bytes, to: insert)
                let code = sqlite3_step(insert.handle)
                sqlite3_reset(insert.handle)
                guard code == SQLITE_DONE else {
                    refusal = (taken, try self.refusal(on: insert))
                    break
                }
                taken += 1
            }
        }
        if refusal != nil {
            let isIntact =
                insert.connection.isInTransaction
                // RAISE(FAIL) keeps what the statement did before it failed. Without a trigger every record is at most one change.
                && sqlite3_total_changes64(insert.connection.handle) - changes <= Int64(taken - start)
            if !isIntact { throw GroupSpoiled() }
        }
        try moveLedger(item.key, to: item.records.firstOrdinal + Int64(taken))
        return outcome(of: item, refusal: refusal)
    }

    /// Writes one batch in a transaction of its own, each record in a savepoint, so that nothing of a refused record remains.
    ///
    /// Slow and exact: for targets whose triggers roll back or fail half-way.
    private func writeAlone(_ item: Item) throws -> WriteOutcome {
        let start = try firstNew(item)
        var end = item.records.count
        var refusal: (position: Int, failure: SQLiteFailure)?
        while true {
            let limit = end
            do {
                return try transaction {
                    let connection = try connected().connection
                    let insert = try insertStatement(for: item.records.schema)
                    let width = item.records.schema.columns.count
                    var taken = start
                    try item.records.withCells { cells, bytes in
                        while taken < limit {
                            try connection.execute("SAVEPOINT record")
                            bind(
                                UnsafeBufferPointer(rebasing: cells[taken * width..<(taken + 1) * width]),
                                bytes,
                                to: insert
                            )
                            let code = sqlite3_step(insert.handle)
                            sqlite3_reset(insert.handle)
                            if code != SQLITE_DONE {
                                refusal = (taken, try self.refusal(on: insert))
                                guard connection.isInTransaction else { throw GroupSpoiled() }
                                try connection.execute("ROLLBACK TO record; RELEASE record")
                                break
                            }
                            try connection.execute("RELEASE record")
                            taken += 1
                        }
                    }
                    try moveLedger(item.key, to: item.records.firstOrdinal + Int64(taken))
                    return outcome(of: item, refusal: refusal)
                }
            } catch is GroupSpoiled {
                // The refused record rolled everything back: once more, only up to it. It ends, since `end` sinks each time.
                end = refusal?.position ?? start
            }
        }
    }

    private func outcome(of item: Item, refusal: (position: Int, failure: SQLiteFailure)?) -> WriteOutcome {
        guard let refusal else { return .written }
        return .rejected(
            at: refusal.position,
            RecordRejected(
                recordID: item.records.key(at: refusal.position),
                ordinal: item.records.firstOrdinal + Int64(refusal.position),
                cause: "table \(target.table): \(refusal.failure.message)"
            )
        )
    }

    /// The position of the first record that the ledger has not seen.
    private func firstNew(_ item: Item) throws -> Int {
        let next: Int64
        if let known = try connected().nextOrdinals[item.key] {
            next = known
        } else {
            let statement = try connected().readLedger
            bind(item.key, to: statement)
            defer { statement.reset() }
            next = try statement.step() ? statement.integer(0) : 0
            open?.nextOrdinals[item.key] = next
        }
        return Int(min(max(0, next - item.records.firstOrdinal), Int64(item.records.count)))
    }

    /// Several tables of one database share the ledger, and each has taken another part of the same bucket.
    private func bind(_ key: LedgerKey, to statement: SQLiteStatement) {
        statement.bind(.text(key.run), at: 1)
        statement.bind(.text(target.table.lowercased()), at: 2)
        statement.bind(.text(key.bucket), at: 3)
    }

    private func moveLedger(_ key: LedgerKey, to next: Int64) throws {
        let statement = try connected().moveLedger
        bind(key, to: statement)
        statement.bind(.integer(next), at: 4)
        try statement.run()
        open?.nextOrdinals[key] = next
    }

    /// Whether a failed step blames the record.
    ///
    /// - Returns: the failure, when it does.
    /// - Throws: the failure, when it is the target's.
    private func refusal(on insert: SQLiteStatement) throws -> SQLiteFailure {
        let failure = insert.connection.failure()
        switch failure.primaryCode {
        case SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_TOOBIG: return failure
        case SQLITE_ERROR:
            // A trigger or an expression of the table failed on this record, unless the table itself is gone.
            guard let sql = sqlite3_sql(insert.handle), (try? insert.connection.prepare(String(cString: sql))) != nil
            else {
                throw failure
            }
            return failure
        default: throw failure
        }
    }

    /// Binds one record. SQLITE_STATIC (nil) is right here: the batch's bytes stay where they are until the step is over.
    private func bind(
        _ cells: UnsafeBufferPointer<Cell>,
        _ bytes: UnsafeBufferPointer<UInt8>,
        to statement: SQLiteStatement
    ) {
        let handle = statement.handle
        var index: Int32 = 1
        for cell in cells {
            switch cell.kind {
            case .null: sqlite3_bind_null(handle, index)
            case .integer: sqlite3_bind_int64(handle, index, cell.integer)
            case .real: sqlite3_bind_double(handle, index, cell.real)
            case .text:
                let start = bytes.baseAddress.map {
                    UnsafeRawPointer($0 + Int(cell.bits)).assumingMemoryBound(to: CChar.self)
                }
                sqlite3_bind_text64(
                    handle,
                    index,
                    start ?? SQLiteStatement.noBytes,
                    UInt64(cell.length),
                    nil,
                    UInt8(SQLITE_UTF8)
                )
            case .blob:
                if cell.length == 0 {
                    sqlite3_bind_zeroblob(handle, index, 0)
                } else {
                    sqlite3_bind_blob64(
                        handle,
                        index,
                        bytes.baseAddress.map { $0 + Int(cell.bits) },
                        UInt64(cell.length),
                        nil
                    )
                }
            }
            index += 1
        }
    }

    // MARK: Connection

    private func connected() throws -> Open {
        if let open { return open }
        if !FileManager.default.fileExists(atPath: target.database.path) {
            guard target.create else { throw SQLiteFailure(code: SQLITE_CANTOPEN, message: "the file is gone") }
            let descriptor = Foundation.open(target.database.path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else {
                throw SQLiteFailure(code: SQLITE_CANTOPEN, message: String(cString: strerror(errno)))
            }
            Foundation.close(descriptor)
        }
        let connection = try SQLiteConnection(uri: SQLiteConnection.uri(target.database.path, mode: "rw"))
        // FULL: a commit is on the disk before its batch is acked. The checkpoint of a bigger log costs less per page.
        try connection.execute(
            """
            PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32000; PRAGMA wal_autocheckpoint = 4000;
            CREATE TABLE IF NOT EXISTS \(Self.ledger) (
                run TEXT, table_name TEXT, bucket TEXT, next_ordinal INTEGER NOT NULL, PRIMARY KEY (run, table_name, bucket)) WITHOUT ROWID;
            """
        )
        let fresh = Open(
            connection: connection,
            readLedger: try connection.prepare(
                "SELECT next_ordinal FROM \(Self.ledger) WHERE run = ?1 AND table_name = ?2 AND bucket = ?3"
            ),
            moveLedger: try connection.prepare("INSERT OR REPLACE INTO \(Self.ledger) VALUES (?1, ?2, ?3, ?4)")
        )
        open = fresh
        return fresh
    }

    private func insertStatement(for schema: RecordSchema) throws -> SQLiteStatement {
        let names = schema.columns.map(\.name)
        if let known = try connected().inserts[names] { return known }
        let columns = names.map(quotedIdentifier)
        var sql = "INSERT INTO \(quotedIdentifier(target.table)) (\(columns.joined(separator: ", ")))"
        sql += " VALUES (\(columns.map { _ in "?" }.joined(separator: ", ")))"
        if case .upsert(let unlessNewer) = target.mode {
            sql += conflictClause(columns, schema: schema, unlessNewer: unlessNewer)
        }
        let statement = try connected().connection.prepare(sql)
        open?.inserts[names] = statement
        return statement
    }

    private func conflictClause(_ columns: [String], schema: RecordSchema, unlessNewer: String?) -> String {
        let key = quotedIdentifier(target.keyColumn(of: schema))
        let renewed = columns.filter { $0.lowercased() != key.lowercased() }
        guard !renewed.isEmpty else { return " ON CONFLICT (\(key)) DO NOTHING" }
        var clause =
            " ON CONFLICT (\(key)) DO UPDATE SET " + renewed.map { "\($0) = excluded.\($0)" }.joined(separator: ", ")
        if let unlessNewer {
            let column = quotedIdentifier(unlessNewer)
            let row = "\(quotedIdentifier(target.table)).\(column)"
            clause += " WHERE \(row) IS NULL OR excluded.\(column) >= \(row)"
        }
        return clause
    }

    /// All or nothing; what the ledger cache has learned inside goes with a rollback.
    private func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        let connection = try connected().connection
        try connection.execute("BEGIN IMMEDIATE")
        do {
            let result = try body()
            try connection.execute("COMMIT")
            return result
        } catch {
            if connection.isInTransaction { try? connection.execute("ROLLBACK") }
            open?.nextOrdinals = [:]
            throw error
        }
    }

    /// Makes a failure of the target one that says so, and drops the connection, so that the next group starts afresh.
    private func translatingFailures<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let failure as SQLiteFailure {
            open = nil
            throw unavailable(failure)
        }
    }

    private func unavailable(_ failure: SQLiteFailure) -> TargetUnavailable {
        let place = "table \(target.table) in \(target.database.path)"
        switch failure.primaryCode {
        case SQLITE_BUSY, SQLITE_LOCKED:
            return TargetUnavailable(
                "The \(place) is locked by another program (waited 5 s): \(failure.message). End that program's transaction."
            )
        case SQLITE_FULL: return TargetUnavailable("The disk is full: the \(place) cannot grow. Make room.")
        default: return TargetUnavailable("The \(place) cannot be written: \(failure.message).")
        }
    }
}
