import Foundation
import GRDBSQLite

/// Compares records with a SQLite table: they are inserted into a temporary table, and SQLite joins and compares.
///
/// 0 and −0 count as the same, as SQLite's own comparison has it.
final class SQLiteComparison: ComparisonSession {
    private let file: URL
    private let target: TableTarget
    private let connection: SQLiteConnection
    private let columns: [SQLiteComparisonColumn]
    private let key: SQLiteComparisonColumn
    private var statements: [[String]: SQLiteComparisonStatements] = [:]
    private var loaded: Loaded?
    let interruption: @Sendable () -> Void

    /// The records that are loaded.
    private struct Loaded {
        var statements: SQLiteComparisonStatements
        var hasTwins: Bool
        /// The position in the batch of each row of the temporary table, whose numbers begin at 1.
        var positions: [Int]
    }

    init(_ file: URL, _ target: TableTarget, schema: RecordSchema) throws {
        self.file = file
        self.target = target
        do {
            connection = try Self.open(file, busyTimeout: target.busyTimeout)
            // Keys of millions of records must not fill the memory.
            try connection.execute(
                "PRAGMA temp_store = FILE; PRAGMA temp.cache_size = -16000; PRAGMA cache_size = -32000"
            )
            columns = try SQLiteComparisonColumn.all(of: target.table, on: connection)
            guard !columns.isEmpty else {
                throw SinkError(
                    "The table \(target.table) does not exist in \(file.path), so there is nothing to compare with. Write the records first."
                )
            }
            let name = target.keyColumn(of: schema)
            guard let key = columns.first(where: { $0.name.lowercased() == name.lowercased() }) else {
                throw SinkError(
                    "The table \(target.table) in \(file.path) has no column \(name), by which its rows are found. Check the sink's `key:`."
                )
            }
            self.key = key
            try connection.execute(SQLiteComparisonStatements.creationOfKeys(key))
        } catch let failure as SQLiteFailure {
            throw Self.error(failure, file, target)
        }
        let interrupter = connection.interrupter
        interruption = { interrupter.interrupt() }
    }

    private static func open(_ file: URL, busyTimeout: Duration) throws -> SQLiteConnection {
        guard FileManager.default.fileExists(atPath: file.path) else {
            throw SinkError(
                "The target database \(file.path) does not exist, so there is nothing to compare with. Check the path, or write the records first."
            )
        }
        func open(_ mode: String) throws -> SQLiteConnection {
            let connection = try SQLiteConnection(
                uri: SQLiteConnection.uri(file.path, mode: mode),
                busyTimeout: busyTimeout
            )
            try connection.execute("SELECT 1 FROM main.sqlite_schema LIMIT 1")
            return connection
        }
        do {
            return try open("ro")
        } catch let failure as SQLiteFailure where failure.primaryCode == SQLITE_READONLY {
            // A process that was killed left a journal, which has to be rolled back before anyone can read.
            _ = try open("rw")
            return try open("ro")
        }
    }

    // MARK: Loading

    func load(_ expected: RecordBatch) throws -> [(position: Int, kind: RecordDifference.Kind)] {
        try translatingFailures {
            let statements = try statements(for: expected.schema)
            loaded = nil
            // It holds no lock on the target: only temporary tables are written, and only the keys of unfit records are looked up.
            try connection.execute("BEGIN")
            do {
                try connection.execute(statements.emptying)
                var fresh = Loaded(statements: statements, hasTwins: false, positions: [])
                fresh.positions.reserveCapacity(expected.count)
                var unfit: [(position: Int, column: Int?)] = []
                let width = expected.schema.columns.count
                try expected.withCells { cells, bytes in
                    for position in 0..<expected.count {
                        let record = cells[position * width..<(position + 1) * width]
                        guard let failure = statements.insertion.insert(record, bytes) else {
                            fresh.positions.append(position)
                            continue
                        }
                        guard [SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_TOOBIG].contains(failure.primaryCode) else {
                            throw failure
                        }
                        unfit.append((position, statements.insertion.misfittingColumn(record, bytes)))
                    }
                }
                fresh.hasTwins = try connection.prepare(statements.twins).step()
                if fresh.hasTwins, target.mode != .append { try connection.execute(statements.superseding) }
                try connection.execute(statements.noting)
                let kinds = try unfit.map { position, column in
                    (position, try kind(ofUnfit: position, column, of: expected, statements))
                }
                try connection.execute("COMMIT")
                loaded = fresh
                return kinds
            } catch {
                if connection.isInTransaction { try? connection.execute("ROLLBACK") }
                throw error
            }
        }
    }

    /// A record that no row of the table can be like: is there a row with its key?
    private func kind(
        ofUnfit position: Int,
        _ column: Int?,
        of expected: RecordBatch,
        _ statements: SQLiteComparisonStatements
    ) throws -> RecordDifference.Kind {
        guard column != statements.keyIndex else { return .missing }
        let noting = try connection.prepare(statements.notingRows)
        noting.bind(expected[position, statements.keyIndex], at: 1)
        try noting.run()
        guard sqlite3_changes64(connection.handle) > 0 else { return .missing }
        return .changed(columns: column.map { [expected.schema.columns[$0].name] } ?? [])
    }

    private func statements(for schema: RecordSchema) throws -> SQLiteComparisonStatements {
        let names = schema.columns.map(\.name)
        if let known = statements[names] { return known }
        let fresh = try SQLiteComparisonStatements(
            target: target,
            columns: columns,
            key: key,
            schema: schema,
            number: statements.count,
            on: connection
        )
        statements[names] = fresh
        return fresh
    }

    // MARK: Looking

    func findings(among positions: [Int]?) throws -> [ComparisonFinding] {
        guard let loaded else { return [] }
        return try translatingFailures {
            let sql = loaded.statements.findings(hasTwins: loaded.hasTwins, ofSome: positions != nil)
            let statement = try connection.prepare(sql)
            if let positions {
                let wanted = Set(positions)
                let rows = loaded.positions.indices.filter { wanted.contains(loaded.positions[$0]) }
                statement.bind(.text("[\(rows.map { String($0 + 1) }.joined(separator: ","))]"), at: 1)
            }
            var findings: [ComparisonFinding] = []
            while try statement.step() {
                findings.append(
                    ComparisonFinding(
                        position: loaded.positions[Int(statement.integer(0)) - 1],
                        expected: Int(statement.integer(1)),
                        rows: Int(statement.integer(2)),
                        columns: ComparisonFinding.columns(in: statement.text(3))
                    )
                )
            }
            return findings
        }
    }

    func others(limit: Int) throws -> (count: Int64, keys: [String]) {
        try translatingFailures {
            // Sorted once here, the keys cost less than in an index that takes them one by one.
            try connection.execute(SQLiteComparisonStatements.indexingOfKeys)
            let statement = try connection.prepare(
                SQLiteComparisonStatements.others(key, table: "main." + quotedIdentifier(target.table))
            )
            var count: Int64 = 0
            var keys: [String] = []
            while try statement.step() {
                count += 1
                if keys.count < limit { keys.append(statement.keyText(0)) }
            }
            return (count, keys)
        }
    }

    // MARK: Failures

    private func translatingFailures<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let failure as SQLiteFailure {
            throw Self.error(failure, file, target)
        }
    }

    private static func error(_ failure: SQLiteFailure, _ file: URL, _ target: TableTarget) -> any Error {
        let place = "table \(target.table) in \(file.path)"
        switch failure.primaryCode {
        case SQLITE_BUSY, SQLITE_LOCKED:
            return TargetUnavailable(
                "The \(place) is locked by another program (waited \(target.busyTimeout)): \(failure.message). End that program's transaction."
            )
        case SQLITE_FULL:
            return TargetUnavailable(
                "There is no room to compare the \(place): SQLite's temporary files need some. Make room, or set SQLITE_TMPDIR to a folder that has it."
            )
        case SQLITE_ERROR, SQLITE_NOTADB, SQLITE_CORRUPT:
            return SinkError("The \(place) cannot be compared: \(failure.message).")
        default: return TargetUnavailable("The \(place) cannot be read: \(failure.message).")
        }
    }
}

extension SQLiteStatement {
    /// A value as the text of a record id.
    fileprivate func keyText(_ column: Int32) -> String {
        switch sqlite3_column_type(handle, column) {
        case SQLITE_INTEGER: return Value.integer(integer(column)).recordID
        case SQLITE_FLOAT: return Value.real(sqlite3_column_double(handle, column)).recordID
        case SQLITE_TEXT: return text(column) ?? ""
        case SQLITE_BLOB:
            let bytes = UnsafeRawBufferPointer(
                start: sqlite3_column_blob(handle, column),
                count: Int(sqlite3_column_bytes(handle, column))
            )
            return Value.blob(Array(bytes)).recordID
        default: return "NULL"
        }
    }
}
