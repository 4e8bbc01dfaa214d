public import Foundation
import GRDBSQLite
import Synchronization

/// Reads records of one staged result by their ordinals.
///
/// Each reader has a connection and a thread of its own; parallel executors use a reader each.
public struct StagedReader: Sendable {
    private let worker: SerialWorker<Reading>

    /// Opens a staged result; `schema` is the one that staging returned.
    ///
    /// - Throws: ``StagedResultDamaged`` when the file cannot be opened.
    public init(_ file: URL, schema: RecordSchema) throws {
        worker = SerialWorker(label: "read staged result", try Reading(file: file, schema: schema))
    }

    /// The records from `ordinal` on, at most as many as the limit allows and none at `end` or behind it.
    ///
    /// - Throws: ``StagedResultDamaged`` when a record is missing or cannot be read.
    public func read(from ordinal: Int64, to end: Int64, limit: BatchLimit) async throws -> RecordBatch {
        try await worker.run { reading in try reading.read(from: ordinal, to: end, limit: limit) }
    }

    /// Every record with this record id, each as a batch of one.
    public func find(key: String) async throws -> [RecordBatch] {
        try await worker.run { reading in try reading.find(key: key) }
    }

    /// The sizes of all records in order, counted as ``Cell/byteCount`` says, many at a time.
    public func sizes() -> AsyncThrowingStream<[Int], any Error> {
        let worker = worker
        let next = Mutex<Int64>(1)
        return AsyncThrowingStream {
            let first = next.withLock { $0 }
            let sizes = try await worker.run { reading in try reading.sizes(from: first, count: 50_000) }
            next.withLock { $0 += Int64(sizes.count) }
            return sizes.isEmpty ? nil : sizes
        }
    }

    /// A key that occurs more than once, with the ordinals of its first two records; nil when all differ.
    public func firstDuplicateKey() async throws -> DuplicateKey? {
        try await worker.run { reading in try reading.firstDuplicateKey() }
    }
}

/// A key that more than one record has.
public struct DuplicateKey: Codable, Hashable, Sendable {
    /// The key's text.
    public var recordID: String
    /// The first two records that have it.
    public var ordinals: [Int64]
}

/// The blocking part of a reader.
private struct Reading {
    private let file: URL
    private let schema: RecordSchema
    private let connection: SQLiteConnection
    private let range: SQLiteStatement

    /// Space is made for so many records at first: a limit may allow far more than its bytes let in.
    private static let reservedRecords = 4096

    init(file: URL, schema: RecordSchema) throws {
        self.file = file
        self.schema = schema
        do {
            connection = try SQLiteConnection(uri: SQLiteConnection.uri(file.path, mode: "ro"))
            // Records are read once and in order: a large cache would only hold what nobody asks for again.
            try connection.execute("PRAGMA cache_size = -1000; PRAGMA mmap_size = 0")
            range = try connection.prepare(
                "SELECT \(Self.columns(of: schema)) FROM records WHERE _ordinal >= ?1 AND _ordinal < ?2 ORDER BY _ordinal"
            )
        } catch let failure as SQLiteFailure {
            throw Self.damaged(file, failure)
        }
    }

    /// Where a statement has the records' own columns: behind the ordinal.
    private var columns: Range<Int32> { 1..<Int32(schema.columns.count + 1) }

    private static func columns(of schema: RecordSchema) -> String {
        (["_ordinal"] + schema.columns.map { quotedIdentifier($0.name) }).joined(separator: ", ")
    }

    private static func damaged(_ file: URL, _ failure: SQLiteFailure) -> any Error {
        let isMissing = !FileManager.default.fileExists(atPath: file.path)
        return StagedResultDamaged(file: file, what: isMissing ? "is missing" : "cannot be read (\(failure.message))")
    }

    func read(from ordinal: Int64, to end: Int64, limit: BatchLimit) throws -> RecordBatch {
        let expected = max(0, min(Int64(limit.records), end - ordinal))
        sqlite3_bind_int64(range.handle, 1, ordinal)
        sqlite3_bind_int64(range.handle, 2, ordinal + expected)
        defer { range.reset() }
        do {
            return try batch(from: range, first: ordinal, expected: Int(expected), byteLimit: limit.bytes)
        } catch let failure as SQLiteFailure {
            throw Self.damaged(file, failure)
        }
    }

    /// Appends rows until `expected` are there or the byte limit is passed (the first row always comes).
    private func batch(from statement: SQLiteStatement, first: Int64, expected: Int, byteLimit: Int) throws
        -> RecordBatch
    {
        var builder = RecordBatchBuilder(
            schema: schema,
            firstOrdinal: first,
            capacity: (min(expected, Self.reservedRecords), min(byteLimit, min(expected, Self.reservedRecords) * 96))
        )
        while builder.count < expected {
            guard try statement.step(), statement.integer(0) == first + Int64(builder.count) else {
                throw StagedResultDamaged(file: file, what: "has no record \(first + Int64(builder.count))")
            }
            if builder.count > 0, builder.byteCount + statement.byteCount(columns: columns) > byteLimit { break }
            statement.appendRecord(columns: columns, to: &builder)
        }
        return builder.finish()
    }

    func find(key: String) throws -> [RecordBatch] {
        do {
            let keyColumn = quotedIdentifier(schema.keyName)
            // The text as it is, the number that it spells and the blob: for SQLite '7', 7 and x'37' are all different.
            let statement = try connection.prepare(
                """
                SELECT \(Self.columns(of: schema)) FROM records
                WHERE \(keyColumn) = ?1 OR \(keyColumn) = ?2 OR (typeof(\(keyColumn)) = 'blob' AND lower(hex(\(keyColumn))) = ?1)
                ORDER BY _ordinal
                """
            )
            statement.bind(.text(key), at: 1)
            let number: Value? = Int64(key).map(Value.integer) ?? Double(key).map(Value.real)
            statement.bind(number ?? .text(key), at: 2)
            var found: [RecordBatch] = []
            while try statement.step() {
                var builder = RecordBatchBuilder(schema: schema, firstOrdinal: statement.integer(0))
                statement.appendRecord(columns: columns, to: &builder)
                let record = builder.finish()
                if record.key(at: 0) == key { found.append(record) }
            }
            return found
        } catch let failure as SQLiteFailure {
            throw Self.damaged(file, failure)
        }
    }

    func sizes(from first: Int64, count: Int) throws -> [Int] {
        do {
            sqlite3_bind_int64(range.handle, 1, first)
            sqlite3_bind_int64(range.handle, 2, first + Int64(count))
            defer { range.reset() }
            var sizes: [Int] = []
            sizes.reserveCapacity(count)
            while try range.step() { sizes.append(range.byteCount(columns: columns)) }
            return sizes
        } catch let failure as SQLiteFailure {
            throw Self.damaged(file, failure)
        }
    }

    func firstDuplicateKey() throws -> DuplicateKey? {
        do {
            let key = quotedIdentifier(schema.keyName)
            let first = try connection.prepare(
                "SELECT min(_ordinal) FROM records GROUP BY \(key) HAVING count(*) > 1 ORDER BY 1 LIMIT 1"
            )
            guard try first.step() else { return nil }
            let ordinal = first.integer(0)
            // Once for the one key that is told, and not for each: without an index this reads all records.
            let second = try connection.prepare(
                """
                SELECT min(_ordinal) FROM records
                WHERE \(key) = (SELECT \(key) FROM records WHERE _ordinal = ?1) AND _ordinal > ?1
                """
            )
            second.bind(.integer(ordinal), at: 1)
            _ = try second.step()
            let record = try read(from: ordinal, to: ordinal + 1, limit: BatchLimit(records: 1, bytes: .max))
            return DuplicateKey(recordID: record.key(at: 0), ordinals: [ordinal, second.integer(0)])
        } catch let failure as SQLiteFailure {
            throw Self.damaged(file, failure)
        }
    }
}
