import GRDBSQLite
import Synchronization

extension SQLiteSource: DirectSource {
    /// Counts the records, then goes over the keys in order.
    public func cut(
        _ query: SourceQuery,
        into parts: @escaping @Sendable (_ recordCount: Int64) throws -> Int,
        progress: @escaping @Sendable (_ records: Int64) -> Void
    ) async throws -> KeyCut {
        let control = StagingControl(progress: progress)
        let source = self
        return try await control.run(query) {
            let connection = try source.open()
            let interrupter = connection.interrupter
            try control.onCancel { interrupter.interrupt() }
            do {
                // Both statements see the same instant.
                try connection.execute("BEGIN")
                return try SQLiteKeys(query, on: connection).cut(into: parts, control)
            } catch let failure as SQLiteFailure {
                throw control.isCancelled ? CancellationError() : source.directError(failure, query)
            }
        }
    }

    /// Reads in one transaction, which keeps no writer waiting in WAL mode. Where it would, each batch is a statement of its own, unless
    /// that means to sort for each.
    public func read(_ query: SourceQuery, _ range: KeyRange) throws -> any DirectReading {
        SQLiteDirectReading(self, query, range)
    }

    /// Says when the records have to be sorted, and when writers have to wait.
    public func remarks(on query: SourceQuery, around key: RecordKey) async throws -> [String] {
        let source = self
        return try await SerialWorker(label: "look at \(query.name)", ()).run { _ in
            let connection = try source.open()
            do {
                let keys = try SQLiteKeys(query, on: connection)
                guard try keys.needsSort(KeyRange(from: .at(key), before: key)) else { return [] }
                let waiting =
                    try source.isWAL(connection)
                    ? ""
                    : " Until a bucket is read to its end, programs that write to the source wait (it is not in WAL mode)."
                return [SourceQuery.sorts(query.name, keys.schema.keyName) + waiting]
            } catch let failure as SQLiteFailure {
                throw source.directError(failure, query)
            }
        }
    }

    func isWAL(_ connection: SQLiteConnection) throws -> Bool {
        let mode = try connection.prepare("PRAGMA journal_mode")
        return try mode.step() && mode.text(0)?.lowercased() == "wal"
    }

    func directError(_ failure: SQLiteFailure, _ query: SourceQuery) -> any Error {
        switch failure.primaryCode {
        case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_CANTOPEN, SQLITE_IOERR, SQLITE_FULL:
            sourceError(failure)
        default: SourceError("\(query.origin): query \(query.name): \(failure.message).")
        }
    }
}

extension SourceQuery {
    /// What `plan` says when no index gives the records in the order of the key.
    static func sorts(_ query: String, _ key: String) -> String {
        """
        query \(query): the source has to sort the records of each bucket, for no index gives them in the order of \(key). Make \(key) a \
        plain column with an index, of a SELECT without DISTINCT, GROUP BY, LIMIT or UNION around it; or take `stage: direct` out.
        """
    }
}

/// A query by the order of its keys, on one connection.
struct SQLiteKeys {
    let schema: RecordSchema
    private let query: SourceQuery
    private let connection: SQLiteConnection
    /// The user's statement as a part of another one.
    private let selection: String

    init(_ query: SourceQuery, on connection: SQLiteConnection) throws {
        let (statement, schema) = try QueryReading.prepare(query, on: connection)
        self.query = query
        self.schema = schema
        self.connection = connection
        selection = QueryReading.selection(of: statement)
    }

    private var key: String { quotedIdentifier(schema.keyName) }
    private static let lower = "$_backfill_from"
    private static let upper = "$_backfill_before"

    /// Prepares a statement with the query's parameters bound, and a range's.
    private func prepare(_ sql: String, _ range: KeyRange = KeyRange()) throws -> SQLiteStatement {
        let statement = try connection.prepare(sql)
        for index in 0..<sqlite3_bind_parameter_count(statement.handle) {
            let name = sqlite3_bind_parameter_name(statement.handle, index + 1).map { String(cString: $0) } ?? ""
            let value =
                switch name {
                case Self.lower: range.start.key?.value
                case Self.upper: range.before?.value
                default: query.parameters[String(name.dropFirst())]
                }
            statement.bind(value ?? .null, at: index + 1)
        }
        return statement
    }

    private func reading(_ range: KeyRange) -> String {
        let columns = schema.columns.map { quotedIdentifier($0.name) }.joined(separator: ", ")
        var conditions: [String] = []
        switch range.start {
        case .beginning: conditions.append("\(key) IS NOT NULL")
        case .at: conditions.append("\(key) >= \(Self.lower)")
        case .after: conditions.append("\(key) > \(Self.lower)")
        }
        if range.before != nil { conditions.append("\(key) < \(Self.upper)") }
        return "SELECT \(columns) FROM (\(selection)) WHERE \(conditions.joined(separator: " AND ")) ORDER BY \(key)"
    }

    /// The records of a range in the order of their keys.
    func records(_ range: KeyRange) throws -> SQLiteStatement { try prepare(reading(range), range) }

    func needsSort(_ range: KeyRange) throws -> Bool {
        let plan = try prepare("EXPLAIN QUERY PLAN " + reading(range), range)
        while try plan.step() { if plan.text(3)?.contains("TEMP B-TREE FOR ORDER BY") == true { return true } }
        return false
    }

    func cut(into parts: (Int64) throws -> Int, _ control: StagingControl) throws -> KeyCut {
        // By the key alone and with an order of its own: else SQLite computes all of the query's columns, and ten times as long.
        let counting = try prepare("SELECT count(*) FROM (SELECT \(key) FROM (\(selection)) ORDER BY 1)")
        _ = try counting.step()
        let recordCount = counting.integer(0)
        counting.reset()
        guard recordCount > 0 else { return KeyCut(schema: schema, recordCount: 0, starts: []) }
        let count = try parts(recordCount)
        let even = EvenParts(of: recordCount, count: count)
        // DISTINCT compares neighbours as the column's collation does: what it leaves out are keys that no range can tell apart.
        let keys = try prepare("SELECT DISTINCT \(key) FROM (\(selection)) ORDER BY 1")
        var starts: [RecordKey] = []
        var position: Int64 = 0
        while try keys.step() {
            if position == 0, sqlite3_column_type(keys.handle, 0) == SQLITE_NULL {
                throw query.missingKeys(schema, count: try missingKeys())
            }
            if starts.count < count - 1, position == even.offset(of: starts.count + 1) {
                starts.append(try boundary(keys))
            }
            position += 1
            if position & 0xFFFF == 0 {
                if control.isCancelled { throw CancellationError() }
                control.report(position)
            }
        }
        guard position == recordCount else { throw query.repeatedKey(schema, try repeatedKey()) }
        return KeyCut(schema: schema, recordCount: recordCount, starts: starts)
    }

    private func boundary(_ statement: SQLiteStatement) throws -> RecordKey {
        var builder = RecordBatchBuilder(
            schema: RecordSchema(columns: [schema.columns[schema.keyIndex]], keyIndex: 0),
            firstOrdinal: 1
        )
        statement.appendRecord(columns: 0..<1, to: &builder)
        return try builder.finish().exactKey(at: 0)
    }

    private func missingKeys() throws -> Int64 {
        let statement = try prepare("SELECT count(*) FROM (\(selection)) WHERE \(key) IS NULL")
        _ = try statement.step()
        return statement.integer(0)
    }

    private func repeatedKey() throws -> String {
        let statement = try prepare("SELECT \(key) FROM (\(selection)) GROUP BY 1 HAVING count(*) > 1 LIMIT 1")
        return try statement.step() ? statement.text(0) ?? "" : ""
    }
}

/// Reads a range of a SQLite source's records, on a thread of its own.
private struct SQLiteDirectReading: DirectReading {
    private let worker: SerialWorker<Reading>
    private let cancellation = Cancellation()

    init(_ source: SQLiteSource, _ query: SourceQuery, _ range: KeyRange) {
        worker = SerialWorker(
            label: "read \(query.name)",
            Reading(source: source, query: query, range: range, cancellation: cancellation)
        )
    }

    func next(from ordinal: Int64, limit: BatchLimit) async throws -> RecordBatch {
        try await withTaskCancellationHandler {
            try await worker.run { reading in
                do {
                    return try reading.next(from: ordinal, limit: limit)
                } catch let failure as SQLiteFailure {
                    reading.open = nil
                    if failure.primaryCode == SQLITE_INTERRUPT { throw CancellationError() }
                    throw reading.source.directError(failure, reading.query)
                }
            }
        } onCancel: {
            cancellation.flag.store(true, ordering: .relaxed)
        }
    }

    /// Whether somebody has cancelled the reading, which may be sorting for minutes. Nobody reads on after that.
    final class Cancellation: Sendable {
        let flag = Atomic<Bool>(false)

        /// Lets a connection ask, a hundred times in a second. It must not outlive this.
        func watch(_ connection: SQLiteConnection) {
            sqlite3_progress_handler(
                connection.handle,
                200_000,
                { pointer in
                    guard let pointer else { return 0 }
                    let cancellation = Unmanaged<Cancellation>.fromOpaque(pointer).takeUnretainedValue()
                    return cancellation.flag.load(ordering: .relaxed) ? 1 : 0
                },
                Unmanaged.passUnretained(self).toOpaque()
            )
        }
    }

    struct Reading {
        let source: SQLiteSource
        let query: SourceQuery
        /// What is left of the range when nothing is open.
        var range: KeyRange
        private let cancellation: Cancellation
        var open: Open?
        var isEnded = false

        struct Open {
            var keys: SQLiteKeys
            var statement: SQLiteStatement
            /// Whether the statement stands on a row that was too much for the last batch.
            var isOnRow = false
            /// Whether the statement, and with it the snapshot, is kept between two batches.
            var isKept: Bool
        }

        init(source: SQLiteSource, query: SourceQuery, range: KeyRange, cancellation: Cancellation) {
            self.source = source
            self.query = query
            self.range = range
            self.cancellation = cancellation
        }

        mutating func next(from ordinal: Int64, limit: BatchLimit) throws -> RecordBatch {
            var open = try self.open ?? opened()
            var builder = RecordBatchBuilder(
                schema: open.keys.schema,
                firstOrdinal: ordinal,
                capacity: (min(limit.records, 4096), min(limit.bytes, min(limit.records, 4096) * 96))
            )
            let columns = 0..<Int32(open.keys.schema.columns.count)
            while !isEnded, builder.count < limit.records {
                if !open.isOnRow {
                    isEnded = try !open.statement.step()
                    if isEnded { break }
                }
                open.isOnRow = true
                if builder.count > 0, builder.byteCount + open.statement.byteCount(columns: columns) > limit.bytes {
                    break
                }
                open.statement.appendRecord(columns: columns, to: &builder)
                open.isOnRow = false
            }
            let batch = builder.finish()
            if batch.count > 0 { range = range.behind(try batch.exactKey(at: batch.count - 1)) }
            if isEnded {
                self.open = nil
            } else {
                if !open.isKept {
                    open.statement = try open.keys.records(range)
                    open.isOnRow = false
                }
                self.open = open
            }
            return batch
        }

        private func opened() throws -> Open {
            let connection = try source.open()
            cancellation.watch(connection)
            // Records are read once and in order: a large cache would only hold what nobody asks for again.
            try connection.execute("PRAGMA cache_size = -1000")
            let keys = try SQLiteKeys(query, on: connection)
            let isKept = try source.isWAL(connection) || keys.needsSort(range)
            return Open(keys: keys, statement: try keys.records(range), isKept: isKept)
        }
    }
}
