import Dispatch
import Synchronization

extension PostgreSQLSource: DirectSource {
    /// Counts the records, then lets the server number the keys in order.
    public func cut(
        _ query: SourceQuery,
        into parts: @escaping @Sendable (_ recordCount: Int64) throws -> Int,
        progress: @escaping @Sendable (_ records: Int64) -> Void
    ) async throws -> KeyCut {
        let control = StagingControl(progress: progress)
        let source = self
        return try await control.run(query) {
            let connection = try source.openTogether()
            let keys = try PostgreSQLKeys(query, source: source, on: connection)
            let canceller = connection.canceller
            try control.onCancel { DispatchQueue.global().async { canceller.cancel() } }
            do {
                return try keys.cut(into: parts, control)
            } catch let failure as PostgreSQLFailure {
                throw control.isCancelled ? CancellationError() : source.directError(failure, query)
            }
        }
    }

    /// Reads over COPY. Readings of one source see the same instant, as long as the session lives that holds it.
    public func read(_ query: SourceQuery, _ range: KeyRange) throws -> any DirectReading {
        PostgreSQLDirectReading(self, query, range)
    }

    /// Says when the server has to sort.
    public func remarks(on query: SourceQuery, around key: RecordKey) async throws -> [String] {
        let source = self
        return try await SerialWorker(label: "look at \(query.name)", ()).run { _ in
            let connection = try source.open()
            let keys = try PostgreSQLKeys(query, source: source, on: connection)
            do {
                return try keys.needsSort(KeyRange(from: .at(key), before: key))
                    ? [SourceQuery.sorts(query.name, keys.schema.keyName)] : []
            } catch let failure as PostgreSQLFailure {
                throw source.directError(failure, query)
            }
        }
    }

    /// Opens a session that sees the source's held instant.
    fileprivate func openTogether() throws -> PostgreSQLConnection {
        do {
            return try open(snapshot: try instant.snapshot(of: self))
        } catch let error as SourceError {
            // The one that held it may have ended just now.
            throw SourceUnavailable(description: error.description)
        }
    }

    fileprivate func directError(_ failure: PostgreSQLFailure, _ query: SourceQuery) -> any Error {
        guard failure.meaning == .record || failure.meaning == .refused else { return sourceError(failure) }
        return SourceError("\(query.origin): query \(query.name): \(failure.text).")
    }
}

/// A query by the order of its keys, on one connection.
private struct PostgreSQLKeys {
    let reading: PostgreSQLReading
    private let query: SourceQuery
    private let connection: PostgreSQLConnection

    var schema: RecordSchema { reading.schema }

    /// The types whose text says a key exactly and whose order is total, by the oids of `pg_type.dat`.
    private static let keyTypes: [UInt32: String] = [
        16: "boolean", 17: "bytea", 19: "name", 20: "bigint", 21: "smallint", 23: "integer", 25: "text", 26: "oid",
        700: "real", 701: "double precision", 1042: "character", 1043: "character varying", 1082: "date",
        1114: "timestamp", 1184: "timestamptz", 1700: "numeric", 2950: "uuid",
    ]

    /// - Throws: ``SourceError``, also for a key of another type.
    init(_ query: SourceQuery, source: PostgreSQLSource, on connection: PostgreSQLConnection) throws {
        reading = try PostgreSQLReading(query, source: source, on: connection)
        self.query = query
        self.connection = connection
        guard Self.keyTypes[reading.keyType] != nil else {
            let type = schema.columns[schema.keyIndex].declaredType ?? "unknown"
            throw SourceError(
                """
                \(query.origin): query \(query.name): with `stage: direct` a key cannot be of the type \(type). It can be \
                \(Self.keyTypes.values.sorted().joined(separator: ", ")): cast it in the SQL, such as \(schema.keyName)::text, or take \
                `stage: direct` out.
                """
            )
        }
    }

    private var key: String { "q.\(quotedIdentifier(schema.keyName))" }

    private func bound(_ key: RecordKey, as setting: String) throws -> String {
        try connection.execute("SELECT set_config($1, $2, true)", [setting, key.value.postgreSQLText])
        return "current_setting('\(setting)')::\(schema.columns[schema.keyIndex].declaredType ?? "text")"
    }

    /// The query of a range's records, in order, with all values bound for the time of the transaction.
    private func records(_ range: KeyRange) throws -> String {
        var conditions: [String] = []
        switch range.start {
        case .beginning: conditions.append("\(key) IS NOT NULL")
        case .at(let first): conditions.append("\(key) >= \(try bound(first, as: "backfill.key_from"))")
        case .after(let last): conditions.append("\(key) > \(try bound(last, as: "backfill.key_from"))")
        }
        if let before = range.before {
            conditions.append("\(key) < \(try bound(before, as: "backfill.key_before"))")
        }
        // The rows are wanted in order and one after the other: where an index gives them so, nothing is to be piled up for a sort.
        try connection.execute("SET LOCAL enable_sort = off")
        return """
            SELECT \(reading.columns) FROM (\(try reading.bound(on: connection))
            ) AS q WHERE \(conditions.joined(separator: " AND ")) ORDER BY \(key)
            """
    }

    func copyStatement(_ range: KeyRange) throws -> String { "COPY (\(try records(range))) TO STDOUT (FORMAT binary)" }

    func needsSort(_ range: KeyRange) throws -> Bool {
        let plan = try connection.execute("EXPLAIN " + (try records(range)))
        return (0..<plan.count).contains { plan[$0, 0]?.contains("Sort  (") == true }
    }

    func cut(into parts: (Int64) throws -> Int, _ control: StagingControl) throws -> KeyCut {
        let statement = try reading.bound(on: connection)
        let counts = try rows("SELECT count(*), count(\(key)) FROM (\(statement)\n) AS q", [.int64, .int64], control)
        guard case .integer(let recordCount) = counts[0, 0], case .integer(let keyCount) = counts[0, 1] else {
            throw BinaryCopyRows.Malformed()
        }
        if keyCount < recordCount { throw query.missingKeys(schema, count: recordCount - keyCount) }
        guard recordCount > 0 else { return KeyCut(schema: schema, recordCount: 0, starts: []) }
        let count = try parts(recordCount)
        let even = EvenParts(of: recordCount, count: count)
        // Behind so many records the smaller parts begin.
        let smaller = even.larger * (even.size + 1)
        let wireType: PostgreSQLWireType = reading.wireTypes[schema.keyIndex]
        let firsts = try rows(
            """
            SELECT k\(wireType == .castToText ? "::text" : ""), d FROM (
                SELECT \(key) AS k, row_number() OVER w - 1 AS n, coalesce(\(key) = lag(\(key)) OVER w, false) AS d
                FROM (\(statement)
                ) AS q WINDOW w AS (ORDER BY \(key))
            ) AS numbered
            WHERE d OR n > 0 AND CASE WHEN n < \(smaller) THEN n % \(even.size + 1) ELSE (n - \(smaller)) % \(even.size) END = 0
            ORDER BY n
            """,
            [wireType, .boolean],
            control
        )
        var starts: [RecordKey] = []
        for row in 0..<firsts.count {
            let key = try firsts.exactKey(at: row)
            if firsts[row, 1] == .integer(1) { throw query.repeatedKey(schema, key.description) }
            starts.append(key)
        }
        control.report(recordCount)
        return KeyCut(schema: schema, recordCount: recordCount, starts: starts)
    }

    /// All rows of a small result, over COPY, which can be waited for with patience.
    private func rows(_ sql: String, _ types: [PostgreSQLWireType], _ control: StagingControl) throws -> RecordBatch {
        func tellProgress() throws {
            if control.isCancelled { throw CancellationError() }
            control.report(0)
        }
        let columns = types.indices.map { Column(name: "column \($0)") }
        var builder = RecordBatchBuilder(
            schema: RecordSchema(columns: columns, keyIndex: 0, dialect: .postgresql),
            firstOrdinal: 1
        )
        var decoder = BinaryCopyRows(types: types, keyIndex: 0)
        try connection.beginCopyOut("COPY (\(sql)) TO STDOUT (FORMAT binary)", whileWaiting: tellProgress)
        while try connection.nextCopyData(
            whileWaiting: tellProgress,
            { try decoder.append($0, to: &builder, byteLimit: .max) }
        ) != nil {}
        return builder.finish()
    }
}

/// Reads a range of a PostgreSQL source's records, over a session and on a thread of its own.
private struct PostgreSQLDirectReading: DirectReading {
    private let worker: SerialWorker<Reading>

    init(_ source: PostgreSQLSource, _ query: SourceQuery, _ range: KeyRange) {
        worker = SerialWorker(label: "read \(query.name)", Reading(source: source, query: query, range: range))
    }

    func next(from ordinal: Int64, limit: BatchLimit) async throws -> RecordBatch {
        let isCancelled = Flag()
        return try await withTaskCancellationHandler {
            try await worker.run { reading in
                do {
                    return try reading.next(from: ordinal, limit: limit) {
                        if isCancelled.isSet { throw CancellationError() }
                    }
                } catch let failure as PostgreSQLFailure {
                    throw reading.source.directError(failure, reading.query)
                }
            }
        } onCancel: {
            isCancelled.set()
        }
    }

    private final class Flag: Sendable {
        private let flag = Atomic<Bool>(false)
        var isSet: Bool { flag.load(ordering: .relaxed) }
        func set() { flag.store(true, ordering: .relaxed) }
    }

    struct Reading {
        let source: PostgreSQLSource
        let query: SourceQuery
        let range: KeyRange
        var open: Open?
        var isEnded = false
        /// A row that was too much for the last batch.
        var waiting: [UInt8]?

        struct Open {
            var connection: PostgreSQLConnection
            var schema: RecordSchema
            var rows: BinaryCopyRows
        }

        init(source: PostgreSQLSource, query: SourceQuery, range: KeyRange) {
            self.source = source
            self.query = query
            self.range = range
        }

        mutating func next(from ordinal: Int64, limit: BatchLimit, whileWaiting: () throws -> Void) throws
            -> RecordBatch
        {
            if open == nil { open = try opened(whileWaiting) }
            guard var open else { throw BinaryCopyRows.Malformed() }
            var builder = RecordBatchBuilder(
                schema: open.schema,
                firstOrdinal: ordinal,
                capacity: (min(limit.records, 4096), min(limit.bytes, min(limit.records, 4096) * 96))
            )
            if let message = waiting {
                _ = try message.withUnsafeBytes { try open.rows.append($0, to: &builder, byteLimit: limit.bytes) }
                waiting = nil
            }
            var late: [UInt8]?
            while !isEnded, late == nil, builder.count < limit.records {
                let appended = try open.connection.nextCopyData(whileWaiting: whileWaiting) { message in
                    let appended = try open.rows.append(message, to: &builder, byteLimit: limit.bytes)
                    if appended == .full { late = Array(message) }
                    return appended
                }
                if appended == nil { isEnded = true }
            }
            waiting = late
            self.open = open
            return builder.finish()
        }

        private func opened(_ whileWaiting: () throws -> Void) throws -> Open {
            let connection = try source.openTogether()
            let keys = try PostgreSQLKeys(query, source: source, on: connection)
            try connection.beginCopyOut(try keys.copyStatement(range), whileWaiting: whileWaiting)
            let rows = BinaryCopyRows(types: keys.reading.wireTypes, keyIndex: keys.schema.keyIndex)
            return Open(connection: connection, schema: keys.schema, rows: rows)
        }
    }
}
