public import Foundation
import GRDBSQLite

/// Makes a staged result out of records of others: dead letters to be published again, the part of a result that was not published before.
public struct StagedSelection: Sendable {
    /// Records of an earlier result that need not come again.
    public struct Taken: Sendable {
        /// The earlier result.
        public var result: StagedResult
        /// The ordinals of it that were settled.
        public var ordinals: [Range<Int64>]
        /// Those among them that did not arrive all the same.
        public var except: [Int64]

        /// How many records that are.
        public var count: Int64 { ordinals.reduce(0) { $0 + Int64($1.count) } - Int64(except.count) }

        /// Names records by their ordinals.
        public init(result: StagedResult, ordinals: [Range<Int64>], except: [Int64]) {
            self.result = result
            self.ordinals = ordinals
            self.except = except
        }
    }

    private let whole: StagedResult
    private let folder: URL

    /// Selects from a result in a folder of results.
    public init(from whole: StagedResult, in folder: URL) {
        self.whole = whole
        self.folder = folder
    }

    /// Takes the records with these ordinals, in their order.
    ///
    /// - Parameter replacing: values by ordinal and column, instead of those that were staged.
    /// - Throws: ``StagedResultDamaged``, ``StagingFailed``.
    public func take(
        _ ordinals: [Int64],
        replacing: [Int64: [Int: Value]] = [:],
        as fileName: String
    ) async throws -> StagedResult {
        try await write(as: fileName) { copy in
            try copy.fill("wanted", "ordinal INTEGER PRIMARY KEY", ordinals.map { [.integer($0)] })
            try copy.insert("_ordinal IN (SELECT ordinal FROM wanted)", limit: nil)
            for (position, ordinal) in ordinals.sorted().enumerated() {
                for (column, value) in replacing[ordinal] ?? [:] {
                    try copy.replace(value, column: column, ordinal: Int64(position + 1))
                }
            }
        }
    }

    /// Takes what was not taken before.
    ///
    /// - Parameters:
    ///   - taken: records whose keys are left out.
    ///   - within: only records with the keys of these; nil for all.
    ///   - keys: only records with these record ids; nil for all.
    ///   - limit: at most so many, the first ones; nil for all.
    /// - Throws: ``StagedResultDamaged``, ``StagingFailed``.
    public func rest(
        leavingOut taken: [Taken],
        within: Taken? = nil,
        onlyKeys keys: [String]?,
        limit: Int64?,
        as fileName: String
    ) async throws -> StagedResult {
        try await write(as: fileName) { copy in
            var conditions: [String] = []
            let key = quotedIdentifier(whole.schema.keyName)
            if !taken.isEmpty {
                // Keys of both results come from the same SQL, so they have the same types; IS compares those too.
                try copy.connection.execute("CREATE TEMP TABLE taken (key PRIMARY KEY) WITHOUT ROWID")
                for earlier in taken { try copy.remember(earlier, as: "taken", in: folder) }
                try copy.checkKeys(of: whole, against: "taken")
                conditions.append("\(key) NOT IN (SELECT key FROM taken)")
            }
            if let within {
                try copy.connection.execute("CREATE TEMP TABLE within (key PRIMARY KEY) WITHOUT ROWID")
                try copy.remember(within, as: "within", in: folder)
                try copy.checkKeys(of: whole, against: "within")
                conditions.append("\(key) IN (SELECT key FROM within)")
            }
            if let keys {
                try copy.fill("wanted", "key TEXT PRIMARY KEY", keys.map { [.text($0)] })
                conditions.append(
                    "CASE typeof(\(key)) WHEN 'blob' THEN lower(hex(\(key))) ELSE CAST(\(key) AS TEXT) END IN (SELECT key FROM wanted)"
                )
            }
            try copy.insert(conditions.isEmpty ? "TRUE" : conditions.joined(separator: " AND "), limit: limit)
        }
    }

    private func write(as fileName: String, _ body: @escaping @Sendable (Copy) throws -> Void) async throws
        -> StagedResult
    {
        let (whole, folder) = (whole, folder)
        let source = SourceQuery(
            name: fileName,
            sql: "-- records of \(whole.fileName)",
            origin: whole.fileName,
            key: whole.schema.keyName
        )
        let control = StagingControl { _ in }
        let file = StagedFile(query: source, place: folder.appending(path: fileName), control: control)
        return try await control.run(source) {
            try file.write {
                do {
                    let copy = try Copy(of: whole, in: folder, to: file)
                    try body(copy)
                    let count = try copy.count()
                    try file.describe(whole.schema, count: count, in: "main", on: copy.connection)
                    return (whole.schema, count)
                } catch let failure as SQLiteFailure {
                    throw file.failure(for: failure)
                        ?? StagedResultDamaged(
                            file: whole.location(in: folder),
                            what: "cannot be read (\(failure.message))"
                        )
                }
            }
        }
    }
}

/// One copying, on one thread: the new file is the connection's own database, the others are attached to it.
private struct Copy {
    let connection: SQLiteConnection
    private let schema: RecordSchema

    init(of whole: StagedResult, in folder: URL, to file: StagedFile) throws {
        schema = whole.schema
        connection = try SQLiteConnection(uri: SQLiteConnection.uri(file.partial.path, mode: "rw"))
        try file.createRecords(schema, in: "main", on: connection)
        try attach(whole, in: folder, as: "whole")
    }

    private var columns: String { schema.columns.map { quotedIdentifier($0.name) }.joined(separator: ", ") }

    private func attach(_ result: StagedResult, in folder: URL, as name: String) throws {
        let attach = try connection.prepare("ATTACH ?1 AS \(name)")
        attach.bind(.text(SQLiteConnection.uri(result.location(in: folder).path, mode: "ro")), at: 1)
        try attach.run()
    }

    /// Makes a temporary table with rows.
    func fill(_ name: String, _ columns: String, _ rows: [[Value]]) throws {
        try connection.execute("CREATE TEMP TABLE \(name) (\(columns)) WITHOUT ROWID")
        guard let width = rows.first?.count else { return }
        let places = (1...width).map { "?\($0)" }.joined(separator: ", ")
        let insert = try connection.prepare("INSERT OR IGNORE INTO \(name) VALUES (\(places))")
        try connection.execute("BEGIN")
        for row in rows {
            for (index, value) in row.enumerated() { insert.bind(value, at: Int32(index + 1)) }
            try insert.run()
        }
        try connection.execute("COMMIT")
    }

    /// Adds the keys of an earlier result's records to a temporary table.
    func remember(_ taken: StagedSelection.Taken, as table: String, in folder: URL) throws {
        try attach(taken.result, in: folder, as: "earlier")
        try fill("missed", "ordinal INTEGER PRIMARY KEY", taken.except.map { [.integer($0)] })
        let insert = try connection.prepare(
            """
            INSERT OR IGNORE INTO \(table) SELECT \(quotedIdentifier(taken.result.schema.keyName)) FROM earlier.records
            WHERE _ordinal >= ?1 AND _ordinal < ?2 AND _ordinal NOT IN (SELECT ordinal FROM missed)
            """
        )
        for range in taken.ordinals {
            insert.bind(.integer(range.lowerBound), at: 1)
            insert.bind(.integer(range.upperBound), at: 2)
            try insert.run()
        }
        try connection.execute("DROP TABLE missed; DETACH earlier")
    }

    /// Records are told apart by their keys: those have to differ, and to be of the type that they were of.
    func checkKeys(of whole: StagedResult, against table: String) throws {
        let key = quotedIdentifier(whole.schema.keyName)
        let types = try connection.prepare(
            """
            SELECT EXISTS (SELECT * FROM \(table)) AND EXISTS (SELECT * FROM whole.records)
                AND NOT EXISTS (SELECT typeof(\(key)) FROM whole.records INTERSECT SELECT typeof(key) FROM \(table))
            """
        )
        if try types.step(), types.integer(0) == 1 {
            throw SourceError(
                """
                The key \(whole.schema.keyName) is of another type than in the records that were published before, so nothing tells which \
                those are. Give it the type that it had.
                """
            )
        }
        let repeated = try connection.prepare(
            "SELECT CAST(\(key) AS TEXT) FROM whole.records GROUP BY \(key) HAVING count(*) > 1 LIMIT 1"
        )
        if try repeated.step() {
            throw SourceError(
                """
                The key \(repeated.text(0) ?? "") occurs more than once, so nothing tells which of its records were published before. \
                Choose a key that differs in every record.
                """
            )
        }
    }

    func insert(_ condition: String, limit: Int64?) throws {
        let insert = try connection.prepare(
            """
            INSERT INTO main.records (\(columns)) SELECT \(columns) FROM whole.records WHERE \(condition)
            ORDER BY _ordinal LIMIT ?1
            """
        )
        insert.bind(.integer(limit ?? -1), at: 1)
        try insert.run()
    }

    func replace(_ value: Value, column: Int, ordinal: Int64) throws {
        let update = try connection.prepare(
            "UPDATE main.records SET \(quotedIdentifier(schema.columns[column].name)) = ?1 WHERE _ordinal = ?2"
        )
        update.bind(value, at: 1)
        update.bind(.integer(ordinal), at: 2)
        try update.run()
    }

    func count() throws -> Int64 {
        let count = try connection.prepare("SELECT count(*) FROM main.records")
        _ = try count.step()
        return count.integer(0)
    }
}
