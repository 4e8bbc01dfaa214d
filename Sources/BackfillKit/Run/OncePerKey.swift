import Synchronization

/// Work that is done once for each key, however many ask for it at the same time. What fails is tried again by the next who asks.
final class OncePerKey<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    typealias Work = Task<Value, any Error>

    private let works = Mutex<[Key: Work]>([:])

    /// The value of a key, made by the first who asks.
    func value(for key: Key, _ make: @escaping @Sendable () async throws -> Value) async throws -> Value {
        let work = works.withLock { works in
            if let known = works[key] { return known }
            let fresh = Task { try await make() }
            works[key] = fresh
            return fresh
        }
        do {
            return try await work.value
        } catch {
            _ = take(key, if: work)
            throw error
        }
    }

    /// What was begun for a key.
    subscript(key: Key) -> Work? { works.withLock { $0[key] } }

    /// All keys for which anything was begun.
    var keys: [Key] { works.withLock { Array($0.keys) } }

    /// Forgets a key.
    ///
    /// - Parameter work: when given, only if that is still what was begun for it.
    /// - Returns: what is forgotten: of several that do so at the same time one gets it.
    func take(_ key: Key, if work: Work? = nil) -> Work? {
        works.withLock { works in
            guard let known = works[key], work == nil || work == known else { return nil }
            works[key] = nil
            return known
        }
    }

    /// Forgets all.
    func removeAll() { works.withLock { $0 = [:] } }
}
