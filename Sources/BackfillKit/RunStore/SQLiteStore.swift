import GRDB

/// The run store in a SQLite file, or in memory.
struct SQLiteStore: StoreBackend {
    let connection: any DatabaseWriter
    /// Whether there is one connection only, and a read needs no transaction of its own to see one state. Only simulations set it.
    var isAlone = false

    func read<Value: Sendable>(_ body: @escaping @Sendable (any StoreTransaction) throws -> Value) async throws -> Value
    {
        if isAlone { return try await connection.writeWithoutTransaction { db in try body(Transaction(db: db)) } }
        return try await connection.read { db in try body(Transaction(db: db)) }
    }

    /// SQLite has one writer at a time, whatever is written.
    func write<Value: Sendable>(
        _ durability: StoreDurability,
        _ scope: StoreScope,
        _ body: @escaping @Sendable (any StoreTransaction) throws -> Value
    ) async throws -> Value {
        try await connection.writeWithoutTransaction { db in
            // Not as a cached statement: the pragma has its effect when it is compiled.
            try db.execute(sql: "PRAGMA synchronous = \(durability == .synced ? "FULL" : "NORMAL")")
            var value: Value?
            try db.inTransaction(.immediate) {
                value = try body(Transaction(db: db))
                return .commit
            }
            // The transaction ends without an error only when the body has returned.
            return value!
        }
    }

    private struct Transaction: StoreTransaction {
        let db: Database

        func execute(sql: String, arguments: StoreArguments) throws -> Int {
            try db.cachedStatement(sql: sql).execute(arguments: StatementArguments(arguments))
            return db.changesCount
        }

        func rows(sql: String, arguments: StoreArguments) throws -> [Row] {
            try Row.fetchAll(db.cachedStatement(sql: sql), arguments: StatementArguments(arguments))
        }
    }
}

extension StatementArguments {
    fileprivate init(_ arguments: StoreArguments) {
        self = arguments.named.isEmpty ? StatementArguments(arguments.positional) : StatementArguments(arguments.named)
    }
}
