import Synchronization

/// A PostgreSQL table as a sink writes to it: exactly once for every record, however often its batch is handed in.
public final class PostgreSQLTable: RecordTable {
    /// Shared with the committer's thread, which may outlive a caller's interest.
    private final class Writer: Sendable {
        let writer: Mutex<PostgreSQLTableWriter>
        init(_ server: PostgreSQLServer, _ target: TableTarget, name: String) {
            writer = Mutex(PostgreSQLTableWriter(server, target, databaseName: name))
        }
    }

    private let writer: Writer
    private let committer: GroupCommitter<LedgeredBatch, WriteOutcome>
    private let preparation: SerialWorker<Void>

    /// Names the table; nothing is opened before the first use.
    ///
    /// - Parameter name: the connection string as error texts may show it, without a password.
    public init(_ server: PostgreSQLServer, _ target: TableTarget, name: String) {
        let writer = Writer(server, target, name: name)
        self.writer = writer
        preparation = SerialWorker(label: "prepare \(target.table)", ())
        committer = GroupCommitter(label: "write \(target.table)") { items in
            writer.writer.withLock { $0.commit(items) }
        }
    }

    /// Looks whether the table can take such records, without changing anything.
    public func check(_ schema: RecordSchema) async throws {
        let writer = writer
        try await preparation.run { _ in try writer.writer.withLock { try $0.check(schema) } }
    }

    /// Makes the table (when asked to) and the ledger, and checks the columns.
    public func prepare(_ schema: RecordSchema) async throws {
        let writer = writer
        try await preparation.run { _ in try writer.writer.withLock { try $0.prepare(schema) } }
    }

    /// Takes the records that the ledger has not seen; returns when they are committed. Batches that wait are committed together.
    public func write(_ records: RecordBatch, for key: LedgerKey) async throws -> WriteOutcome {
        try await committer.submit(LedgeredBatch(records: records, key: key))
    }

    /// Closes the session; a later write opens another.
    public func close() async {
        let writer = writer
        await committer.afterWriting { writer.writer.withLock { $0.close() } }
    }
}
