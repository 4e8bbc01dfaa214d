/// The blocking part of a PostgreSQL table sink: one session, groups of batches in one transaction each.
///
/// A batch's ledger row moves in the transaction that holds its records, and only from where it stood when the batch was trimmed. So a
/// batch that comes again, or cut otherwise, adds nothing; and of two sessions with the same batch (a killed process's last transaction
/// may still be under way when the run is resumed) only one can commit.
final class PostgreSQLTableWriter {
    private let server: PostgreSQLServer
    let target: TableTarget
    private let databaseName: String
    private let buffer = LineBuffer(capacity: PostgreSQLTableWriter.pieceBytes * 2)
    var open: Open?
    /// Some group held a key twice, which one INSERT … ON CONFLICT cannot take: from then on only the last record of each key goes in.
    var findsDuplicates = false
    var shortcut = UpsertShortcut()

    /// Rows are handed to libpq in pieces of about so many bytes.
    private static let pieceBytes = 1 << 16
    /// How often a transaction that lost against others is tried again at once; after that the batch waits as its retry policy says.
    private static let races = 5

    /// What belongs to one open session; dropped as a whole when the target fails, and made anew by the next group.
    struct Open {
        var connection: PostgreSQLConnection
        var ledger: PostgreSQLLedger
        var statements: [[String]: PostgreSQLTableStatements] = [:]
    }

    init(_ server: PostgreSQLServer, _ target: TableTarget, databaseName: String) {
        self.server = server
        self.target = target
        self.databaseName = databaseName
    }

    func close() { open = nil }

    // MARK: Before the first record

    /// Checks without changing anything.
    func check(_ schema: RecordSchema) throws {
        let check = try checker(schema)
        try check.checkQueryColumns()
        try translatingFailures {
            let connection = try connect()
            try check.check(PostgreSQLTableDescription(check.name, on: connection), on: connection)
        }
    }

    /// Makes what is missing and checks the rest.
    func prepare(_ schema: RecordSchema) throws {
        let check = try checker(schema)
        try check.checkQueryColumns()
        try translatingFailures {
            let connection = try connect()
            if target.create, try PostgreSQLTableDescription(check.name, on: connection) == nil {
                try making("table \(target.table)", by: check.creation) { try connection.execute(check.creation) }
            }
            let table = try PostgreSQLTableDescription(check.name, on: connection)
            try check.check(table, on: connection)
            try making("sink's ledger", by: PostgreSQLLedger.definition) {
                try PostgreSQLLedger.create(inSchema: table?.name.schema, on: connection)
            }
        }
    }

    func checker(_ schema: RecordSchema) throws -> PostgreSQLTableCheck {
        PostgreSQLTableCheck(
            target: target,
            name: try PostgreSQLTableName(target.table),
            schema: schema,
            databaseName: databaseName
        )
    }

    func making(_ what: String, by statement: String, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let failure as PostgreSQLFailure where failure.meaning == .refused {
            throw SinkError(
                "The \(what) cannot be made in \(databaseName): \(failure.text). Mend that, or make it yourself: \(statement)"
            )
        }
    }

    // MARK: Groups

    /// Writes the batches in one transaction and answers for each.
    func commit(_ items: [LedgeredBatch]) -> [Result<WriteOutcome, any Error>] {
        var races = 0
        while true {
            do {
                try commitTogether(items)
                return items.map { _ in .success(.written) }
            } catch is TextCopyRows.Unfit {
                return items.map(commitAlone)
            } catch let failure as PostgreSQLFailure {
                switch failure.meaning {
                case .record:
                    // A key that is there: nothing was taken, and the staging table knows what to do.
                    if failure.state == Self.uniqueViolation, shortcut.failed() { continue }
                    if failure.state == Self.cardinalityViolation, !findsDuplicates {
                        findsDuplicates = true
                        continue
                    }
                    return items.map(commitAlone)
                case .lostRace where races < Self.races: races += 1
                default:
                    let error = unavailable(failure)
                    return items.map { _ in .failure(error) }
                }
            } catch is PostgreSQLLedger.Moved where races < Self.races {
                races += 1
            } catch let error as SinkError {
                // One bucket is sealed, and the others are not.
                return items.count > 1 ? items.map(commitAlone) : [.failure(error)]
            } catch {
                let error = unavailable(error)
                return items.map { _ in .failure(error) }
            }
        }
    }

    static let uniqueViolation = "23505"
    /// "ON CONFLICT DO UPDATE command cannot affect row a second time".
    static let cardinalityViolation = "21000"

    private func commitTogether(_ items: [LedgeredBatch]) throws {
        let session = try connected()
        try session.ledger.read(Set(items.map(\.key)), on: session.connection)
        let moves = try session.ledger.moves(for: items)
        guard !moves.isEmpty else { return }
        let directly = target.mode == .append || shortcut.isWorthATry()
        try transaction {
            try session.ledger.move(moves, on: session.connection)
            let groups = moves.grouped()
            for group in groups {
                try write(group, directly: directly, dedupes: findsDuplicates, goesOn: groups.count > 1)
            }
        }
        shortcut.succeeded()
        session.ledger.commit(moves)
    }

    /// Writes one batch up to a record that is refused, in a transaction of its own.
    ///
    /// Where PostgreSQL says which line of a COPY it refused, that record is tried by itself; otherwise (constraints that are checked
    /// later, triggers) the first half of what is left is tried, until the bad record stands alone. All before it are committed.
    private func commitAlone(_ item: LedgeredBatch) -> Result<WriteOutcome, any Error> {
        var races = 0
        while true {
            do {
                return .success(try splitting(item))
            } catch let failure as PostgreSQLFailure {
                guard failure.meaning == .lostRace, races < Self.races else { return .failure(unavailable(failure)) }
                races += 1
            } catch is PostgreSQLLedger.Moved where races < Self.races {
                races += 1
            } catch let error as SinkError {
                return .failure(error)
            } catch {
                return .failure(unavailable(error))
            }
        }
    }

    private func splitting(_ item: LedgeredBatch) throws -> WriteOutcome {
        let session = try connected()
        let connection = session.connection
        session.ledger.forget(item.key)
        try session.ledger.read([item.key], on: connection)
        guard let move = try session.ledger.moves(for: [item]).first else { return .written }
        var refusal: Refusal?
        var end = move.rows.lowerBound
        try transaction {
            // Deferred constraints would speak up only at the commit, where nobody knows which record they mean.
            try connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            (end, refusal) = try takeUpToRefusal(move)
            var reached = move
            reached.rows = move.rows.lowerBound..<end
            try session.ledger.move([reached], on: connection)
        }
        session.ledger.forget(item.key)
        guard let refusal else { return .written }
        return .rejected(at: end, refusal.rejection(of: item.records, at: end, table: target.table))
    }

    // MARK: In a transaction

    /// Takes the rows of a batch before the first that is refused.
    ///
    /// - Returns: where that one stands, or the end, and why it is refused.
    func takeUpToRefusal(_ move: LedgerMove) throws -> (end: Int, refusal: Refusal?) {
        let connection = try connected().connection
        var search = RefusalSearch(rows: move.rows)
        while let rows = search.next {
            try connection.execute("SAVEPOINT part")
            do {
                let part = LedgerMove(batch: move.batch, key: move.key, prior: move.prior, rows: rows)
                try write([part], directly: target.mode == .append, dedupes: true, goesOn: true)
                try connection.execute("RELEASE part")
                search.succeeded()
            } catch {
                guard let failed = Refusal(error, in: rows) else { throw error }
                try connection.execute("ROLLBACK TO part; RELEASE part")
                search.failed(naming: failed.row)
                if search.isFound { return (search.end, failed) }
            }
        }
        return (search.end, nil)
    }

    /// Copies rows of batches with the same columns into the table, or beside it and from there.
    ///
    /// - Parameters:
    ///   - directly: into the table, whatever the mode.
    ///   - dedupes: whether a key may occur more than once.
    ///   - goesOn: whether the transaction may copy more, so that what was copied beside the table has to go at once.
    func write(_ moves: [LedgerMove], directly: Bool, dedupes: Bool, goesOn: Bool) throws {
        guard let schema = moves.first?.batch.schema else { return }
        let connection = try connected().connection
        let statements = try statements(for: schema)
        let staging = directly ? nil : statements.staging
        if let staging { try connection.execute(staging.creation) }
        var moves = moves[...]
        var rows = moves.first?.rows ?? 0..<0
        let encoder = statements.encoder
        try connection.copyIn(staging?.copy ?? statements.copy, buffer: buffer) { buffer in
            while let move = moves.first, buffer.count < Self.pieceBytes {
                try encoder.append(&rows, of: move.batch, to: buffer, pieceBytes: Self.pieceBytes)
                if rows.isEmpty {
                    moves.removeFirst()
                    rows = moves.first?.rows ?? 0..<0
                }
            }
            return !moves.isEmpty
        }
        if let staging {
            try connection.execute(dedupes ? staging.mergeLast : staging.merge)
            if goesOn { try connection.execute(staging.emptying) }
        }
    }

    private func statements(for schema: RecordSchema) throws -> PostgreSQLTableStatements {
        let names = schema.columns.map(\.name)
        let session = try connected()
        if let known = session.statements[names] { return known }
        let name = try PostgreSQLTableName(target.table)
        guard let table = try PostgreSQLTableDescription(name, on: session.connection) else {
            throw PostgreSQLFailure(state: "42P01", message: "the table \(target.table) is gone")
        }
        let fresh = try PostgreSQLTableStatements(
            target: target,
            table: table,
            schema: schema,
            number: session.statements.count
        )
        open?.statements[names] = fresh
        return fresh
    }

    /// All or nothing.
    private func transaction(_ body: () throws -> Void) throws {
        let connection = try connected().connection
        try connection.execute("BEGIN")
        do {
            try body()
            try connection.execute("COMMIT")
        } catch {
            open?.ledger.forgetAll()
            if connection.isAlive { _ = try? connection.execute("ROLLBACK") }
            throw error
        }
    }

    /// What the ledger says of a bucket; 0 when it has not met it.
    func nextOrdinal(for key: LedgerKey) throws -> Int64? {
        try translatingFailures {
            let session = try connected()
            session.ledger.forget(key)
            return try session.ledger.nextOrdinal(for: key, on: session.connection)
        }
    }

    /// Lets no session write records of a bucket any more.
    func seal(_ key: LedgerKey) throws -> Int64? {
        try translatingFailures {
            let session = try connected()
            return try session.ledger.seal(key, on: session.connection)
        }
    }

    // MARK: Session

    private func connected() throws -> Open {
        if let open, open.connection.isAlive { return open }
        open = nil
        let connection = try connect()
        let ledger = try PostgreSQLLedger(beside: PostgreSQLTableName(target.table), on: connection)
        let fresh = Open(connection: connection, ledger: ledger)
        open = fresh
        return fresh
    }

    func connect() throws -> PostgreSQLConnection {
        let connection = try PostgreSQLConnection(
            server,
            settings: [
                ("lock_timeout", "'\(target.busyTimeout / .milliseconds(1))ms'"),
                // Between two statements of a commit there is nothing to wait for: who does so has stopped, and others want its buckets.
                ("idle_in_transaction_session_timeout", "'60s'"),
            ]
        )
        // A statement that hangs must not hang the run; whoever set a limit of their own knows better.
        try connection.execute(
            "SELECT set_config('statement_timeout', '\(Self.statementTimeout)', false) WHERE current_setting('statement_timeout') = '0'"
        )
        return connection
    }

    private static let statementTimeout = "5min"

    // MARK: Failures

    func translatingFailures<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let failure as PostgreSQLFailure {
            if failure.meaning != .refused, failure.meaning != .record { throw unavailable(failure) }
            throw SinkError("The table \(target.table) in \(databaseName) cannot be used: \(failure.text).")
        }
    }

    /// Nothing but a failure of PostgreSQL blames a record; whatever else went wrong, the batch waits.
    func unavailable(_ error: any Error) -> TargetUnavailable {
        if let failure = error as? PostgreSQLFailure { return unavailable(failure) }
        open = nil
        if error is PostgreSQLLedger.Moved {
            return TargetUnavailable(
                "Another session writes the same run to table \(target.table) in \(databaseName). It ends by itself if it is a killed process's last; otherwise two machines work on one run: stop one."
            )
        }
        return TargetUnavailable("\(error)")
    }

    /// Makes a failure of the target one that says so, and drops a session that is of no more use.
    private func unavailable(_ failure: PostgreSQLFailure) -> TargetUnavailable {
        let place = "table \(target.table) in \(databaseName)"
        switch failure.meaning {
        case .timedOut:
            return TargetUnavailable(
                "The \(place) did not answer in time (locks are waited for \(target.busyTimeout)): \(failure.text). Look for who holds a lock: SELECT * FROM pg_stat_activity WHERE wait_event_type = 'Lock' OR state = 'idle in transaction'."
            )
        case .lostRace:
            return TargetUnavailable(
                "The \(place) lost \(Self.races + 1) times against other transactions: \(failure.text)."
            )
        case .unavailable:
            open = nil
            return TargetUnavailable(
                "The \(place) cannot be reached just now: \(failure.text). Check that the server runs, and what the connection string says."
            )
        case .refused, .record:
            open = nil
            return TargetUnavailable("The \(place) cannot be written: \(failure.text).")
        }
    }
}
