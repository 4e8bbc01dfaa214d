import GRDB

/// One transaction of the run store, in whichever database it is kept.
///
/// Statements are written so that SQLite and PostgreSQL take them alike. Parameters are SQLite's: `?`, `?3` or `:name`;
/// PostgreSQL wants to see each where it has a type (`run_id = :run`) before it is compared with NULL.
protocol StoreTransaction {
    /// Runs one statement.
    ///
    /// - Returns: how many rows it changed.
    @discardableResult
    func execute(sql: String, arguments: StoreArguments) throws -> Int

    /// Runs one statement and takes all its rows.
    func rows(sql: String, arguments: StoreArguments) throws -> [Row]
}

/// Values for the parameters of a statement, by place or by name.
struct StoreArguments: Sendable, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
    /// Those for `?` and `?3`.
    private(set) var positional: [DatabaseValue] = []
    /// Those for `:name`.
    private(set) var named: [String: DatabaseValue] = [:]

    init(arrayLiteral elements: (any DatabaseValueConvertible)?...) {
        positional = elements.map { $0?.databaseValue ?? .null }
    }

    init(dictionaryLiteral elements: (String, (any DatabaseValueConvertible)?)...) {
        for (name, value) in elements { named[name] = value?.databaseValue ?? .null }
    }

    /// The same with further named values.
    func adding(_ more: StoreArguments) -> StoreArguments {
        var sum = self
        sum.named.merge(more.named) { $1 }
        return sum
    }
}

extension StoreTransaction {
    @discardableResult
    func execute(sql: String) throws -> Int { try execute(sql: sql, arguments: []) }

    /// Inserts many rows of values, a hundred with each statement: a statement has its way to the database and back.
    ///
    /// - Parameter places: the table and its columns, as they stand behind `INSERT INTO`.
    func insert(into places: String, _ rows: [StoreArguments]) throws {
        for start in stride(from: 0, to: rows.count, by: 100) {
            let part = rows[start..<min(start + 100, rows.count)]
            let row = "(" + Array(repeating: "?", count: part[start].positional.count).joined(separator: ", ") + ")"
            try execute(
                sql: "INSERT INTO \(places) VALUES " + Array(repeating: row, count: part.count).joined(separator: ", "),
                arguments: StoreArguments(joining: part)
            )
        }
    }
}

extension StoreArguments {
    fileprivate init(joining parts: some Sequence<StoreArguments>) { positional = parts.flatMap(\.positional) }
}

extension FetchableRecord {
    static func fetchAll(_ db: any StoreTransaction, sql: String, arguments: StoreArguments = []) throws -> [Self] {
        try db.rows(sql: sql, arguments: arguments).map(Self.init(row:))
    }

    static func fetchOne(_ db: any StoreTransaction, sql: String, arguments: StoreArguments = []) throws -> Self? {
        try db.rows(sql: sql, arguments: arguments).first.map(Self.init(row:))
    }
}

extension DatabaseValueConvertible {
    /// The values of the only column.
    static func fetchAll(_ db: any StoreTransaction, sql: String, arguments: StoreArguments = []) throws -> [Self] {
        try db.rows(sql: sql, arguments: arguments).map { try $0.decode(Self.self, atIndex: 0) }
    }

    /// The only column's value in the first row; nil when there is no row, or NULL in it.
    static func fetchOne(_ db: any StoreTransaction, sql: String, arguments: StoreArguments = []) throws -> Self? {
        try db.rows(sql: sql, arguments: arguments).first?.decode(Self?.self, atIndex: 0)
    }
}

extension Row {
    static func fetchAll(_ db: any StoreTransaction, sql: String, arguments: StoreArguments = []) throws -> [Row] {
        try db.rows(sql: sql, arguments: arguments)
    }
}
