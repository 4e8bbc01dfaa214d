import Foundation
import GRDBSQLite

/// The blocking part of a table sink: one connection, one thread, groups of batches in one transaction each.
///
/// The ledger row of a batch moves in the transaction that holds its records, so a batch that comes again, or cut otherwise, is
/// trimmed to what the table has not taken.
final class SQLiteTableWriter {
    let file: URL
    let target: TableTarget
    var open: Open?

    /// What belongs to one open connection; dropped as a whole when the target fails, and made anew by the next group.
    struct Open {
        var connection: SQLiteConnection
        var identity: FileIdentity?
        var readLedger: SQLiteStatement
        var moveLedger: SQLiteStatement
        var insertions: [[String]: SQLiteInsertion] = [:]

        /// The ledger must be there.
        init(_ connection: SQLiteConnection, identity: FileIdentity?) throws {
            self.connection = connection
            self.identity = identity
            readLedger = try connection.prepare(
                "SELECT next_ordinal FROM \(SQLiteLedger.table) WHERE run = ?1 AND table_name = ?2 AND bucket = ?3"
            )
            moveLedger = try connection.prepare("INSERT OR REPLACE INTO \(SQLiteLedger.table) VALUES (?1, ?2, ?3, ?4)")
        }
    }

    /// A trigger or conflict clause took the whole transaction back, or left something of a refused record behind.
    struct GroupSpoiled: Error {
        /// The ordinal of the record that was refused.
        var ordinal: Int64
    }

    init(_ file: URL, _ target: TableTarget) {
        self.file = file
        self.target = target
    }

    /// Makes what is missing and checks the rest.
    func prepare(_ schema: RecordSchema) throws {
        try SQLiteTableCheck(file: file, target: target, schema: schema).run()
        try translatingFailures {
            let connection = try self.connected().connection
            if self.target.create {
                try connection.execute(SQLiteTableCheck(file: file, target: self.target, schema: schema).creation)
            }
            try SQLiteTableCheck(file: file, target: self.target, schema: schema).check(on: connection)
        }
    }

    /// Writes the batches in one transaction and answers for each.
    func commit(_ items: [LedgeredBatch]) -> [Result<WriteOutcome, any Error>] {
        do {
            do {
                return try transaction { try items.map { .success(try write($0)) } }
            } catch is GroupSpoiled {
                return try items.map { .success(try writeAlone($0)) }
            }
        } catch let failure as SQLiteFailure {
            open = nil
            let concernsAll = [SQLITE_BUSY, SQLITE_LOCKED, SQLITE_FULL].contains(failure.primaryCode)
            guard items.count > 1, !concernsAll else { return items.map { _ in .failure(unavailable(failure)) } }
            // One batch may have met what the others do not, such as a damaged page: it must not fail them too.
            return items.flatMap { commit([$0]) }
        } catch is SinkError where items.count > 1 {
            // One bucket is sealed, and the others are not.
            return items.flatMap { commit([$0]) }
        } catch {
            return items.map { _ in .failure(error) }
        }
    }

    func close() { open = nil }

    // MARK: In a transaction

    /// Writes what the ledger has not seen, up to a record that is refused.
    func write(_ item: LedgeredBatch) throws -> WriteOutcome {
        let start = try firstNew(item)
        guard start < item.records.count else { return .written }
        let insertion = try insertion(for: item.records.schema)
        let connection = insertion.statement.connection
        var refusal: (position: Int, failure: SQLiteFailure)?
        var taken = start
        try item.records.withCells { cells, bytes in
            let width = item.records.schema.columns.count
            while taken < item.records.count {
                let changes = sqlite3_total_changes64(connection.handle)
                if let failure = insertion.insert(cells[taken * width..<(taken + 1) * width], bytes) {
                    try throwUnlessRefused(failure, by: insertion.statement)
                    refusal = (taken, failure)
                    // RAISE(ROLLBACK) ends the transaction; RAISE(FAIL) keeps what the statement did before it failed.
                    guard connection.isInTransaction, sqlite3_total_changes64(connection.handle) == changes else {
                        throw GroupSpoiled(ordinal: item.records.firstOrdinal + Int64(taken))
                    }
                    break
                }
                taken += 1
            }
        }
        try store(LedgerEntry(stored: item.records.firstOrdinal + Int64(taken)), of: item.key)
        return try outcome(of: item, refusal: refusal)
    }

    /// Writes one batch in a transaction of its own, each record in a savepoint, so that nothing of a refused record remains.
    ///
    /// Slow and exact: for targets whose triggers roll back or fail half-way.
    private func writeAlone(_ item: LedgeredBatch) throws -> WriteOutcome {
        var start = 0
        var end = item.records.count
        var refusal: (position: Int, failure: SQLiteFailure)?
        while true {
            let limit = end
            do {
                return try transaction {
                    start = try firstNew(item)
                    guard start < item.records.count else { return .written }
                    let connection = try connected().connection
                    let insertion = try insertion(for: item.records.schema)
                    let width = item.records.schema.columns.count
                    var taken = start
                    try item.records.withCells { cells, bytes in
                        while taken < limit {
                            try connection.execute("SAVEPOINT record")
                            if let failure = insertion.insert(cells[taken * width..<(taken + 1) * width], bytes) {
                                try throwUnlessRefused(failure, by: insertion.statement)
                                refusal = (taken, failure)
                                guard connection.isInTransaction else {
                                    throw GroupSpoiled(ordinal: item.records.firstOrdinal + Int64(taken))
                                }
                                try connection.execute("ROLLBACK TO record; RELEASE record")
                                break
                            }
                            try connection.execute("RELEASE record")
                            taken += 1
                        }
                    }
                    try store(LedgerEntry(stored: item.records.firstOrdinal + Int64(taken)), of: item.key)
                    return try outcome(of: item, refusal: refusal)
                }
            } catch is GroupSpoiled {
                // The refused record rolled everything back: once more, only up to it. It ends, since `end` sinks each time.
                end = refusal?.position ?? start
            }
        }
    }

    private func outcome(of item: LedgeredBatch, refusal: (position: Int, failure: SQLiteFailure)?) throws
        -> WriteOutcome
    {
        guard let refusal else { return .written }
        var cause = "table \(target.table): \(refusal.failure.message)"
        // The one refusal for which SQLite does not say the column.
        if refusal.failure.primaryCode == SQLITE_MISMATCH, let column = try rowIDColumn() {
            cause += " (column \(column) is INTEGER PRIMARY KEY and takes whole numbers only)"
        }
        return .rejected(
            at: refusal.position,
            RecordRejected(
                recordID: item.records.key(at: refusal.position),
                ordinal: item.records.firstOrdinal + Int64(refusal.position),
                cause: cause
            )
        )
    }

    private func rowIDColumn() throws -> String? {
        let statement = try connected().connection.prepare(
            "SELECT name FROM pragma_table_xinfo(?1) WHERE pk = 1 AND upper(type) = 'INTEGER'"
        )
        statement.bind(.text(target.table), at: 1)
        return try statement.step() ? statement.text(0) : nil
    }

    /// The position of the first record that the ledger has not seen. Read in the transaction that writes it: another process may have
    /// gone on with the bucket.
    private func firstNew(_ item: LedgeredBatch) throws -> Int {
        let next = try (entry(of: item.key) ?? .none).nextOrdinalToWrite(item.key, target.table, SQLiteLedger.table)
        return Int(min(max(0, next - item.records.firstOrdinal), Int64(item.records.count)))
    }

    private func entry(of key: LedgerKey) throws -> LedgerEntry? {
        let statement = try connected().readLedger
        bind(key, to: statement)
        defer { statement.reset() }
        return try statement.step() ? LedgerEntry(stored: statement.integer(0)) : nil
    }

    /// Several tables of one database share the ledger, and each has taken another part of the same bucket.
    private func bind(_ key: LedgerKey, to statement: SQLiteStatement) {
        statement.bind(.text(key.run), at: 1)
        statement.bind(.text(target.table.lowercased()), at: 2)
        statement.bind(.text(key.bucket), at: 3)
    }

    private func store(_ entry: LedgerEntry, of key: LedgerKey) throws {
        let statement = try connected().moveLedger
        bind(key, to: statement)
        statement.bind(.integer(entry.stored), at: 4)
        try statement.run()
    }

    /// Throws a failure that is the target's; one that blames the record passes.
    private func throwUnlessRefused(_ failure: SQLiteFailure, by insert: SQLiteStatement) throws {
        switch failure.primaryCode {
        case SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_TOOBIG: return
        case SQLITE_ERROR:
            // A trigger or an expression of the table failed on this record, unless the table itself is gone.
            guard let sql = sqlite3_sql(insert.handle), (try? insert.connection.prepare(String(cString: sql))) != nil
            else {
                throw failure
            }
        default: throw failure
        }
    }

    /// What the ledger says of a bucket; nil when it does not know it, or there is no database yet.
    func nextOrdinal(for key: LedgerKey) throws -> Int64? {
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        return try translatingFailures { try entry(of: key)?.nextOrdinal }
    }

    /// Lets nobody write records of a bucket any more.
    ///
    /// - Returns: what ``nextOrdinal(for:)`` says from now on; nil when there is no database yet.
    func seal(_ key: LedgerKey) throws -> Int64? {
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        return try translatingFailures {
            try transaction {
                let sealed = try (entry(of: key) ?? .none).sealed
                try store(sealed, of: key)
                return sealed.nextOrdinal
            }
        }
    }

    // MARK: Connection

    private func connected() throws -> Open {
        if let open { return open }
        if !FileManager.default.fileExists(atPath: file.path) {
            guard target.create else { throw SQLiteFailure(code: SQLITE_CANTOPEN, message: "the file is gone") }
            try Self.make(file)
        }
        let connection = try SQLiteConnection(
            uri: SQLiteConnection.uri(file.path, mode: "rw"),
            busyTimeout: target.busyTimeout
        )
        try connection.execute("\(Self.durability) \(SQLiteLedger.creation)")
        let fresh = try Open(connection, identity: FileIdentity(file))
        open = fresh
        return fresh
    }

    /// FULL: a commit is on the disk before its batch is acked. The checkpoint of a bigger log costs less per page.
    static let durability = """
        PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32000; PRAGMA wal_autocheckpoint = 4000;
        """

    /// Makes an empty file, for its owner only.
    static func make(_ file: URL) throws {
        let descriptor = Foundation.open(file.path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw SQLiteFailure(code: SQLITE_CANTOPEN, message: String(cString: strerror(errno)))
        }
        Foundation.close(descriptor)
    }

    private func insertion(for schema: RecordSchema) throws -> SQLiteInsertion {
        let names = schema.columns.map(\.name)
        if let known = try connected().insertions[names] { return known }
        let insertion = try SQLiteInsertion(target, schema: schema, on: try connected().connection)
        open?.insertions[names] = insertion
        return insertion
    }

    /// All or nothing.
    private func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        let (connection, identity) = (try connected().connection, try connected().identity)
        guard identity != nil, FileIdentity(file) == identity else {
            throw SQLiteFailure(
                code: SQLITE_READONLY,
                message: "the file was removed or replaced since it was opened; put it back"
            )
        }
        try connection.execute("BEGIN IMMEDIATE")
        do {
            let result = try body()
            try connection.execute("COMMIT")
            return result
        } catch {
            if connection.isInTransaction { try? connection.execute("ROLLBACK") }
            throw error
        }
    }

    /// Makes a failure of the target one that says so, and drops the connection, so that the next group starts afresh.
    func translatingFailures<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let failure as SQLiteFailure {
            open = nil
            throw unavailable(failure)
        }
    }

    private func unavailable(_ failure: SQLiteFailure) -> TargetUnavailable {
        let place = "table \(target.table) in \(file.path)"
        switch failure.primaryCode {
        case SQLITE_BUSY, SQLITE_LOCKED:
            return TargetUnavailable(
                "The \(place) is locked by another program (waited \(target.busyTimeout)): \(failure.message). End that program's transaction."
            )
        case SQLITE_FULL: return TargetUnavailable("The disk is full: the \(place) cannot grow. Make room.")
        default: return TargetUnavailable("The \(place) cannot be written: \(failure.message).")
        }
    }
}
