import Dispatch

/// Compares records with a PostgreSQL table: they are copied into a temporary table, and the server joins and compares.
final class PostgreSQLComparison: ComparisonSession {
    private let target: TableTarget
    /// For error texts.
    private let databaseName: String
    private let connection: PostgreSQLConnection
    private let table: PostgreSQLTableDescription
    private let key: PostgreSQLComparisonKey
    private let buffer = LineBuffer(capacity: PostgreSQLComparison.pieceBytes * 2)
    private var statements: [[String]: PostgreSQLComparisonStatements] = [:]
    /// Of the records that are loaded.
    private var loaded: (statements: PostgreSQLComparisonStatements, hasTwins: Bool)?
    let interruption: @Sendable () -> Void

    private static let pieceBytes = 1 << 16

    init(_ server: PostgreSQLServer, _ target: TableTarget, schema: RecordSchema, databaseName: String) throws {
        self.target = target
        self.databaseName = databaseName
        do {
            connection = try PostgreSQLConnection(
                server,
                settings: [
                    ("lock_timeout", "'\(target.busyTimeout / .milliseconds(1))ms'"), ("jit", "off"),
                    // Of many keys in the order of an index most pages are in memory; at a disk's cost for each the planner would
                    // rather read a table of millions of rows in whole for every call.
                    ("random_page_cost", "1.1"),
                ]
            )
            let name = try PostgreSQLTableName(target.table)
            guard let table = try PostgreSQLTableDescription(name, on: connection) else {
                throw SinkError(
                    "The table \(target.table) does not exist in \(databaseName), so there is nothing to compare with. Write the records first."
                )
            }
            self.table = table
            key = try PostgreSQLComparisonKey(target.keyColumn(of: schema), of: table, on: connection)
            try connection.execute(key.creation)
        } catch let failure as PostgreSQLFailure {
            throw Self.error(failure, target, databaseName)
        }
        let canceller = connection.canceller
        interruption = { DispatchQueue.global().async { canceller.cancel() } }
    }

    // MARK: Loading

    func load(_ expected: RecordBatch) throws -> [(position: Int, kind: RecordDifference.Kind)] {
        try translatingFailures {
            let statements = try statements(for: expected.schema)
            loaded = nil
            return try transaction {
                try connection.execute(statements.emptying)
                let unfit = try copy(expected, statements)
                // A table that was just filled has no statistics, without which the planner takes it for a small one.
                try connection.execute(statements.analysis)
                let hasTwins = try connection.execute(statements.twins).count > 0
                if hasTwins, target.mode != .append { try connection.execute(statements.superseding) }
                try connection.execute(statements.noting)
                loaded = (statements, hasTwins)
                return unfit
            }
        }
    }

    /// Copies records into the temporary table, and tells what becomes of those that its types do not hold.
    private func copy(_ expected: RecordBatch, _ statements: PostgreSQLComparisonStatements) throws
        -> [(position: Int, kind: RecordDifference.Kind)]
    {
        var unfit: [(position: Int, kind: RecordDifference.Kind)] = []
        var rows = 0..<expected.count
        while !rows.isEmpty {
            var search = RefusalSearch(rows: rows)
            while let part = search.next {
                try connection.execute("SAVEPOINT part")
                do {
                    try copy(part, of: expected, statements)
                    try connection.execute("RELEASE part")
                    search.succeeded()
                } catch {
                    guard let refusal = Refusal(error, in: part) else { throw error }
                    try connection.execute("ROLLBACK TO part; RELEASE part")
                    search.failed(naming: refusal.row)
                    guard search.isFound else { continue }
                    unfit.append((search.end, try kind(of: refusal, at: search.end, of: expected)))
                }
            }
            rows = min(search.end + 1, expected.count)..<expected.count
        }
        return unfit
    }

    private func copy(_ part: Range<Int>, of expected: RecordBatch, _ statements: PostgreSQLComparisonStatements) throws
    {
        var rows = part
        try connection.copyIn(statements.copy, buffer: buffer) { buffer in
            try statements.encoder.append(&rows, of: expected, to: buffer, pieceBytes: Self.pieceBytes)
            return !rows.isEmpty
        }
    }

    /// A record that no row of the table can be like: is there a row with its key?
    private func kind(of refusal: Refusal, at position: Int, of expected: RecordBatch) throws -> RecordDifference.Kind {
        let column = refusal.column(in: expected.schema)
        let wanted = target.keyColumn(of: expected.schema).lowercased()
        let keyColumn = expected.schema.columns.firstIndex { $0.name.lowercased() == wanted }
        guard let keyColumn, column != keyColumn, let text = expected[position, keyColumn].postgreSQLText else {
            return .missing
        }
        try connection.execute("SAVEPOINT key")
        do {
            let rows = try connection.execute(key.notingRows, [text]).changes
            try connection.execute("RELEASE key")
            return rows == 0 ? .missing : .changed(columns: column.map { [expected.schema.columns[$0].name] } ?? [])
        } catch let failure as PostgreSQLFailure where failure.meaning == .record {
            try connection.execute("ROLLBACK TO key; RELEASE key")
            return .missing
        }
    }

    private func statements(for schema: RecordSchema) throws -> PostgreSQLComparisonStatements {
        let names = schema.columns.map(\.name)
        if let known = statements[names] { return known }
        let fresh = try PostgreSQLComparisonStatements(
            target: target,
            table: table,
            key: key,
            schema: schema,
            number: statements.count
        )
        try connection.execute(fresh.creation)
        statements[names] = fresh
        return fresh
    }

    // MARK: Looking

    func findings(among positions: [Int]?) throws -> [ComparisonFinding] {
        guard let (statements, hasTwins) = loaded else { return [] }
        return try translatingFailures {
            let found =
                if let positions {
                    try connection.execute(
                        statements.findings(hasTwins: hasTwins, ofSome: true),
                        ["{\(positions.map(String.init).joined(separator: ","))}"]
                    )
                } else {
                    try connection.execute(statements.findings(hasTwins: hasTwins, ofSome: false))
                }
            return (0..<found.count).map { row in
                func integer(_ column: Int) -> Int { found[row, column].flatMap { Int($0) } ?? 0 }
                return ComparisonFinding(
                    position: integer(0),
                    expected: integer(1),
                    rows: integer(2),
                    columns: ComparisonFinding.columns(in: found[row, 3])
                )
            }
        }
    }

    func others(limit: Int) throws -> (count: Int64, keys: [String]) {
        try translatingFailures {
            try connection.execute(key.analysis)
            let found = try connection.execute(key.others, [String(max(0, limit))])
            let count = found[0, 0].flatMap { Int64($0) } ?? 0
            return (count, (1..<found.count).map { found[$0, 1] ?? "NULL" })
        }
    }

    // MARK: Session

    private func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        try connection.execute("BEGIN")
        do {
            let result = try body()
            try connection.execute("COMMIT")
            return result
        } catch {
            loaded = nil
            if connection.isAlive { _ = try? connection.execute("ROLLBACK") }
            throw error
        }
    }

    private func translatingFailures<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let failure as PostgreSQLFailure {
            guard connection.isAlive else {
                throw TargetUnavailable(
                    """
                    The session that compared table \(target.table) in \(databaseName) was lost, and with it the keys that it had \
                    collected: \(failure.text). Check that the server runs, then compare from the start.
                    """
                )
            }
            throw Self.error(failure, target, databaseName)
        }
    }

    private static func error(_ failure: PostgreSQLFailure, _ target: TableTarget, _ databaseName: String) -> any Error
    {
        switch failure.meaning {
        case .unavailable, .lostRace, .timedOut:
            TargetUnavailable(
                "The table \(target.table) in \(databaseName) cannot be read just now: \(failure.text). Try again later."
            )
        case .refused, .record:
            SinkError("The table \(target.table) in \(databaseName) cannot be compared: \(failure.text).")
        }
    }
}
