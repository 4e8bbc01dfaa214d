import Synchronization

/// A snapshot that several sessions see, held for as long as this lives by the transaction that exported it.
final class HeldInstant: Sendable {
    private struct Holder {
        var connection: PostgreSQLConnection
        var snapshot: String
    }

    private let holder = Mutex<Holder?>(nil)

    /// The snapshot's name. Blocks; when the session that held it is gone, a new instant begins.
    func snapshot(of source: PostgreSQLSource) throws -> String {
        try holder.withLock { holder in
            if let held = holder, (try? held.connection.execute("SELECT 1")) != nil { return held.snapshot }
            holder = nil
            let connection = try source.open()
            do {
                guard let snapshot = try connection.execute("SELECT pg_export_snapshot()")[0, 0] else {
                    throw PostgreSQLFailure(message: "the server exports no snapshot")
                }
                holder = Holder(connection: connection, snapshot: snapshot)
                return snapshot
            } catch let failure as PostgreSQLFailure {
                throw source.sourceError(failure)
            }
        }
    }

    /// Ends the transaction; those who have begun to see its instant go on seeing it.
    func letGo() { holder.withLock { $0 = nil } }
}
