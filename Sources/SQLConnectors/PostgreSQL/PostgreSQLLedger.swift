/// The ledger of a PostgreSQL sink: for each run, table and bucket the next ordinal that the table has not durably taken.
///
/// It lies beside the table, in the same schema, so that who may write the one can be given the other.
final class PostgreSQLLedger {
    /// Another session has moved a row since this one read it.
    struct Moved: Error {}

    static let table = "_backfill_ledger"

    /// For people who make it by hand.
    static let definition =
        "CREATE TABLE \(table) (run text, table_name text, bucket text, next_ordinal bigint NOT NULL, PRIMARY KEY (run, table_name, bucket))"

    /// Makes the ledger of a schema when there is none.
    ///
    /// - Returns: its name, quoted.
    @discardableResult
    static func create(inSchema schema: String?, on connection: PostgreSQLConnection) throws -> String {
        let ledger = PostgreSQLTableName(schema: schema, table: table).sql
        guard try connection.execute("SELECT pg_catalog.to_regclass($1)", [ledger])[0, 0] == nil else { return ledger }
        try connection.execute("BEGIN")
        do {
            try createInTransaction(ledger, on: connection)
            try connection.execute("COMMIT")
            return ledger
        } catch {
            if connection.isAlive { _ = try? connection.execute("ROLLBACK") }
            throw error
        }
    }

    /// Makes a ledger, named as in SQL, when there is none.
    private static func createInTransaction(_ ledger: String, on connection: PostgreSQLConnection) throws {
        // CREATE TABLE IF NOT EXISTS fails when two sessions make the same table at the same moment. The first number is these locks' own; each
        // ledger has one, since a rehearsal holds its lock to its end.
        try connection.execute("SELECT pg_advisory_xact_lock(716618246, pg_catalog.hashtext($1))", [ledger])
        try connection.execute(
            definition.replacing("CREATE TABLE \(Self.table)", with: "CREATE TABLE IF NOT EXISTS \(ledger)")
        )
    }

    /// Makes this ledger for the rest of a transaction that will be rolled back, unless it is there.
    func createForNow(on connection: PostgreSQLConnection) throws {
        if try isThere(on: connection) { return }
        try Self.createInTransaction(name, on: connection)
    }

    private let name: String
    private let tableName: String
    /// As committed.
    private var entries: [LedgerKey: LedgerEntry] = [:]

    init(beside name: PostgreSQLTableName, on connection: PostgreSQLConnection) throws {
        let found = try PostgreSQLTableDescription(name, on: connection)?.name ?? name
        self.name = PostgreSQLTableName(schema: found.schema, table: Self.table).sql
        tableName = found.table
    }

    func forget(_ key: LedgerKey) { entries[key] = nil }
    func forgetAll() { entries = [:] }

    /// The next ordinal of a bucket, read anew unless it is known.
    func nextOrdinal(for key: LedgerKey, on connection: PostgreSQLConnection) throws -> Int64? {
        try read([key], on: connection)
        return entries[key]?.nextOrdinal
    }

    /// Lets no session move a bucket's row any more; waits for one that is about to.
    ///
    /// One of the run's own that is in a transaction is ended: whoever has it stands still or is gone, and the server would let it hold the
    /// row for ever while it waits for more of a COPY.
    ///
    /// - Returns: the next ordinal; nil when there is no ledger.
    func seal(_ key: LedgerKey, on connection: PostgreSQLConnection) throws -> Int64? {
        forget(key)
        guard try isThere(on: connection) else { return nil }
        try connection.execute(
            """
            SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
            WHERE application_name = current_setting('application_name') AND application_name <> '' AND state <> 'idle'
                AND usename = current_user AND pid <> pg_catalog.pg_backend_pid()
            """
        )
        // ``LedgerEntry/sealed``.
        try connection.execute(
            """
            INSERT INTO \(name) AS l VALUES ($1, $2, $3, -1) ON CONFLICT (run, table_name, bucket)
            DO UPDATE SET next_ordinal = least(l.next_ordinal, -1 - l.next_ordinal)
            """,
            [key.run, tableName, key.bucket]
        )
        return try nextOrdinal(for: key, on: connection)
    }

    private func isThere(on connection: PostgreSQLConnection) throws -> Bool {
        try connection.execute("SELECT pg_catalog.to_regclass($1)", [name])[0, 0] != nil
    }

    /// Reads the rows that are not known yet, and makes those that are missing, so that from now on each can be moved by an UPDATE.
    func read(_ keys: Set<LedgerKey>, on connection: PostgreSQLConnection) throws {
        let missing = keys.filter { entries[$0] == nil }
        guard !missing.isEmpty else { return }
        for key in missing {
            let place = [key.run, tableName, key.bucket]
            try connection.execute("INSERT INTO \(name) VALUES ($1, $2, $3, 0) ON CONFLICT DO NOTHING", place)
            let found = try connection.execute(
                "SELECT next_ordinal FROM \(name) WHERE run = $1 AND table_name = $2 AND bucket = $3",
                place
            )
            guard found.count == 1, let stored = found[0, 0].flatMap({ Int64($0) }) else {
                throw PostgreSQLFailure(
                    state: "42501",
                    message: "the ledger \(name) does not show the rows that are written to it"
                )
            }
            entries[key] = LedgerEntry(stored: stored)
        }
    }

    /// What of each batch is new, in order; a batch that holds nothing new is left out.
    ///
    /// - Throws: ``SinkError`` when a batch's bucket is sealed.
    func moves(for items: [LedgeredBatch]) throws -> [LedgerMove] {
        var next: [LedgerKey: Int64] = [:]
        return try items.compactMap { item in
            let known = entries[item.key] ?? .none
            let prior = try next[item.key] ?? known.nextOrdinalToWrite(item.key, tableName, name)
            let start = min(max(0, Int(prior - item.records.firstOrdinal)), item.records.count)
            guard start < item.records.count else { return nil }
            next[item.key] = item.records.endOrdinal
            return LedgerMove(batch: item.records, key: item.key, prior: prior, rows: start..<item.records.count)
        }
    }

    /// Moves rows to behind what is being written, each from where it was read; also keeps other sessions from them until the commit.
    ///
    /// - Throws: ``Moved`` when one is not where it was.
    func move(_ moves: [LedgerMove], on connection: PostgreSQLConnection) throws {
        // A bucket with two batches in the group moves once, from the first one's start to the last one's end.
        var ends: [LedgerKey: (prior: Int64, next: Int64)] = [:]
        for move in moves { ends[move.key] = (ends[move.key]?.prior ?? move.prior, move.endOrdinal) }
        // In one order for all sessions, so that two of them cannot wait for each other.
        let rows = ends.sorted { ($0.key.run, $0.key.bucket) < ($1.key.run, $1.key.bucket) }
        func array(_ values: [String]) -> String {
            let quoted = values.map { "\"" + $0.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\"" }
            return "{\(quoted.joined(separator: ","))}"
        }
        let changed = try connection.execute(
            """
            UPDATE \(name) AS l SET next_ordinal = v.next
            FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[]) AS v(run, bucket, prior, next)
            WHERE l.table_name = $1 AND l.run = v.run AND l.bucket = v.bucket AND l.next_ordinal = v.prior
            """,
            [
                tableName, array(rows.map(\.key.run)), array(rows.map(\.key.bucket)),
                array(rows.map { String($0.value.prior) }), array(rows.map { String($0.value.next) }),
            ]
        ).changes
        guard changed == rows.count else {
            forgetAll()
            throw Moved()
        }
    }

    /// Remembers moves whose transaction has committed.
    func commit(_ moves: [LedgerMove]) {
        for move in moves { entries[move.key] = LedgerEntry(stored: move.endOrdinal) }
    }
}

/// What of a batch a table has not taken, and from where its ledger row moves when it does.
struct LedgerMove {
    var batch: RecordBatch
    var key: LedgerKey
    /// The next ordinal as it was read.
    var prior: Int64
    /// Positions in the batch.
    var rows: Range<Int>

    /// The ordinal behind the last row.
    var endOrdinal: Int64 { batch.firstOrdinal + Int64(rows.upperBound) }
}

extension [LedgerMove] {
    /// Cuts the list where the columns change: one COPY takes one list of columns.
    func grouped() -> [[LedgerMove]] {
        var groups: [[LedgerMove]] = []
        for move in self {
            if let columns = groups.last?.last?.batch.schema.columns, columns == move.batch.schema.columns {
                groups[groups.count - 1].append(move)
            } else {
                groups.append([move])
            }
        }
        return groups
    }
}
