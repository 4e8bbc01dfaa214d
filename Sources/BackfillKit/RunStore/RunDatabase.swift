/// What a commit of the run store is safe from once its write has returned.
enum StoreDurability {
    /// From a power cut as well. What sinks go beyond relies on it: a plan, or the dead letter of a record that a ledger has passed.
    case synced
    /// From the end of the process. A power cut may take it back, together with all unsynced commits after it: a checkpoint is then older
    /// than the sinks' ledgers, which trim what comes again.
    case unsynced
}

/// What a write touches, so that those that do not concern each other need not wait for each other.
enum StoreScope {
    /// Anything: no other write runs beside it.
    case whole
    /// One bucket, with its executors and what is counted of it: other buckets' writes may run beside it.
    case bucket(BucketReference)
}

/// A database that keeps the run store.
protocol StoreBackend: Sendable {
    /// Looks at one state of the store.
    func read<Value: Sendable>(_ body: @escaping @Sendable (any StoreTransaction) throws -> Value) async throws -> Value

    /// Commits what the body does, or nothing of it. The body may be called more than once.
    func write<Value: Sendable>(
        _ durability: StoreDurability,
        _ scope: StoreScope,
        _ body: @escaping @Sendable (any StoreTransaction) throws -> Value
    ) async throws -> Value
}

/// The store's database, with a moment before and after each write at which a simulated process may die.
struct RunDatabase: Sendable {
    let backend: any StoreBackend
    /// Called around each write; what it throws breaks the work off there. Only simulations set it.
    var faults: @Sendable (_ moment: String) throws -> Void = { _ in }

    func read<Value: Sendable>(_ body: @escaping @Sendable (any StoreTransaction) throws -> Value) async throws -> Value
    {
        try await backend.read(body)
    }

    /// Commits what the body does, or nothing of it.
    @discardableResult
    func write<Value: Sendable>(
        _ durability: StoreDurability = .synced,
        _ scope: StoreScope = .whole,
        _ body: @escaping @Sendable (any StoreTransaction) throws -> Value
    ) async throws -> Value {
        try faults("before a write of the run store")
        let value = try await backend.write(durability, scope, body)
        try faults("after a write of the run store")
        return value
    }
}
