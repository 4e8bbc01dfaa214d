extension PostgreSQLTableWriter {
    /// Writes a batch by the statements of ``commit(_:)``, takes all of it back, and tells how long it would have taken.
    ///
    /// For a writer that does nothing else: what it learns of the table and the ledger is rolled back.
    func rehearse(_ item: LedgeredBatch) throws -> Duration {
        let check = try checker(item.records.schema)
        try check.checkQueryColumns()
        do {
            return try translatingFailures {
                let connection = try reusableConnection()
                try connection.execute("BEGIN")
                defer { open?.statements = [:] }
                do {
                    try makeForNow(check, on: connection)
                    let session = try openSession(on: connection)
                    try session.ledger.read([item.key], on: connection)
                    let writing = try ContinuousClock().measure {
                        guard let move = try session.ledger.moves(for: [item]).first else { return }
                        try writeInParts(move, session)
                    }
                    try connection.execute("ROLLBACK")
                    return try writing + commitDuration(on: connection)
                } catch {
                    if connection.isAlive { _ = try? connection.execute("ROLLBACK") }
                    throw error
                }
            }
        } catch let error as PostgreSQLLedger.Moved {
            throw unavailable(error)
        }
    }

    private func reusableConnection() throws -> PostgreSQLConnection {
        if let connection = open?.connection, connection.isAlive { return connection }
        return try connect()
    }

    private func openSession(on connection: PostgreSQLConnection) throws -> Open {
        // The ledger is looked for beside the table, which may be there only now.
        let ledger = try PostgreSQLLedger(beside: PostgreSQLTableName(target.table), on: connection)
        try making("sink's ledger", by: PostgreSQLLedger.definition) { try ledger.createForNow(on: connection) }
        let session = Open(connection: connection, ledger: ledger)
        open = session
        return session
    }

    /// Makes the table, if it is missing and may be made, for the rest of the transaction.
    private func makeForNow(_ check: PostgreSQLTableCheck, on connection: PostgreSQLConnection) throws {
        if target.create, try PostgreSQLTableDescription(check.name, on: connection) == nil {
            try making("table \(target.table)", by: check.creation) { try connection.execute(check.creation) }
        }
        try check.check(PostgreSQLTableDescription(check.name, on: connection), on: connection)
    }

    /// Writes a batch as a group of its own; when some of its records are refused, all others.
    private func writeInParts(_ move: LedgerMove, _ session: Open) throws {
        while true {
            try session.connection.execute("SAVEPOINT whole")
            do {
                try session.ledger.move([move], on: session.connection)
                let directly = target.mode == .append || shortcut.isWorthATry()
                try write([move], directly: directly, dedupes: findsDuplicates, goesOn: false)
                // What would speak up, and take its time, at the commit.
                try session.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
                shortcut.succeeded()
                return
            } catch {
                guard Refusal(error, in: move.rows) != nil else { throw error }
                try session.connection.execute("ROLLBACK TO whole")
                let state = (error as? PostgreSQLFailure)?.state
                if state == Self.uniqueViolation, shortcut.failed() { continue }
                if state == Self.cardinalityViolation, !findsDuplicates {
                    findsDuplicates = true
                    continue
                }
                break
            }
        }
        try session.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        var rest = move
        while !rest.rows.isEmpty {
            let (end, refusal) = try takeUpToRefusal(rest)
            rest.rows = min(end + (refusal == nil ? 0 : 1), move.rows.upperBound)..<move.rows.upperBound
        }
        try session.ledger.move([move], on: session.connection)
    }

    /// What it takes until all that the session has written to the log is on the disk, or where else `synchronous_commit` wants it.
    ///
    /// The transaction that was rolled back has waited for nothing, and a commit behind it waits for what both have written. Without the
    /// right to write a message to the log it is not known, and counts as nothing.
    private func commitDuration(on connection: PostgreSQLConnection) throws -> Duration {
        do {
            try connection.execute("BEGIN; SELECT pg_logical_emit_message(true, 'backfill', '')")
        } catch let failure as PostgreSQLFailure where failure.meaning == .refused {
            try connection.execute("ROLLBACK")
            return .zero
        }
        return try ContinuousClock().measure { try connection.execute("COMMIT") }
    }
}
