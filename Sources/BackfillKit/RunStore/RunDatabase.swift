import GRDB

/// The store's connection, with a moment before and after each write at which a simulated process may die.
struct RunDatabase: Sendable {
    let connection: any DatabaseWriter
    /// Called around each write; what it throws breaks the work off there. Only simulations set it.
    var faults: @Sendable (_ moment: String) throws -> Void = { _ in }
    /// Whether there is one connection only, and a read needs no transaction of its own to see one state. Only simulations set it.
    var isAlone = false

    func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        if isAlone { return try await connection.writeWithoutTransaction(body) }
        return try await connection.read(body)
    }

    func write<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        try faults("before a write of the run store")
        let value = try await connection.write(body)
        try faults("after a write of the run store")
        return value
    }
}
