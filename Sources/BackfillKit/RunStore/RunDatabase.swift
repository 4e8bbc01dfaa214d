import GRDB

/// The store's connection, with a moment before and after each write at which a simulated process may die.
struct RunDatabase: Sendable {
    /// What a commit is safe from once its write has returned.
    enum Durability: String {
        /// From a power cut as well. What sinks go beyond relies on it: a plan, or the dead letter of a record that a ledger has passed.
        case synced = "FULL"
        /// From the end of the process. A power cut may take it back, together with all unsynced commits after it: a checkpoint is then older
        /// than the sinks' ledgers, which trim what comes again.
        case unsynced = "NORMAL"
    }

    let connection: any DatabaseWriter
    /// Called around each write; what it throws breaks the work off there. Only simulations set it.
    var faults: @Sendable (_ moment: String) throws -> Void = { _ in }
    /// Whether there is one connection only, and a read needs no transaction of its own to see one state. Only simulations set it.
    var isAlone = false

    func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        if isAlone { return try await connection.writeWithoutTransaction(body) }
        return try await connection.read(body)
    }

    /// Commits what the body does, or nothing of it.
    func write<Value: Sendable>(
        _ durability: Durability = .synced,
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        try faults("before a write of the run store")
        let value = try await connection.writeWithoutTransaction { db in
            // Not as a cached statement: the pragma has its effect when it is compiled.
            try db.execute(sql: "PRAGMA synchronous = \(durability.rawValue)")
            var value: Value?
            try db.inTransaction(.immediate) {
                value = try body(db)
                return .commit
            }
            // The transaction ends without an error only when the body has returned.
            return value!
        }
        try faults("after a write of the run store")
        return value
    }
}
