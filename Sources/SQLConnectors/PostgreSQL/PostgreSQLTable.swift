import Synchronization

/// A PostgreSQL table as a sink writes to it: exactly once for every record, however often its batch is handed in.
///
/// It writes over a few sessions at once, so that one is sent rows while the server works on those of another. A bucket keeps to one
/// session, which keeps its batches in order.
public final class PostgreSQLTable: RecordTable {
    /// A session, and the batches that wait for it.
    private final class Session: Sendable {
        private final class Writer: Sendable {
            let state: Mutex<PostgreSQLTableWriter>
            init(_ writer: sending PostgreSQLTableWriter) { state = Mutex(writer) }
        }

        // Shared with the committer's thread, which may outlive a caller's interest.
        private let writer: Writer
        let committer: GroupCommitter<LedgeredBatch, WriteOutcome>

        init(_ server: PostgreSQLServer, _ target: TableTarget, name: String) {
            let writer = Writer(PostgreSQLTableWriter(server, target, databaseName: name))
            self.writer = writer
            committer = GroupCommitter(label: "write \(target.table)") { items in
                writer.state.withLock { $0.commit(items) }
            }
        }

        func withWriter<Result: Sendable>(_ body: (PostgreSQLTableWriter) throws -> Result) throws -> Result {
            try writer.state.withLock { try body($0) }
        }

        func close() async {
            let writer = writer
            await committer.afterWriting { writer.state.withLock { $0.close() } }
        }
    }

    /// With two, the server and the sender are both busy on a machine of two cores; more sessions only wait for each other there, and the
    /// server may be a production one.
    private static let sessionCount = 2

    /// How many sessions write.
    public var writers: Int { sessions.count }

    private let server: PostgreSQLServer
    private let target: TableTarget
    private let name: String
    private let sessions: [Session]
    /// The session of each bucket, dealt out in turn.
    private let assigned = Mutex<[LedgerKey: Int]>([:])
    private let preparation: SerialWorker<Void>
    /// A session of its own: what it knows of tables and ledgers was rolled back.
    private let rehearsal: SerialWorker<PostgreSQLTableWriter>

    /// Names the table; nothing is opened before the first use.
    ///
    /// - Parameter name: the connection string as error texts may show it, without a password.
    public init(_ server: PostgreSQLServer, _ target: TableTarget, name: String) {
        self.server = server
        self.target = target
        self.name = name
        sessions = (0..<Self.sessionCount).map { _ in Session(server, target, name: name) }
        preparation = SerialWorker(label: "prepare \(target.table)", ())
        rehearsal = SerialWorker(
            label: "rehearse \(target.table)",
            PostgreSQLTableWriter(server, target, databaseName: name)
        )
    }

    /// Looks whether the table can take such records, without changing anything.
    public func check(_ schema: RecordSchema) async throws {
        let session = sessions[0]
        try await preparation.run { _ in try session.withWriter { try $0.check(schema) } }
    }

    /// Makes the table (when asked to) and the ledger, and checks the columns.
    public func prepare(_ schema: RecordSchema) async throws {
        let session = sessions[0]
        try await preparation.run { _ in try session.withWriter { try $0.prepare(schema) } }
    }

    /// Takes the records that the ledger has not seen; returns when they are committed. Batches that wait are committed together.
    public func write(_ records: RecordBatch, for key: LedgerKey) async throws -> WriteOutcome {
        try await session(of: key).committer.submit(LedgeredBatch(records: records, key: key))
    }

    /// What the ledger says, as committed.
    public func nextOrdinal(for key: LedgerKey) async throws -> Int64? {
        let session = sessions[0]
        return try await preparation.run { _ in try session.withWriter { try $0.nextOrdinal(for: key) } }
    }

    /// Lets nobody write records of a bucket any more.
    public func seal(_ key: LedgerKey) async throws -> Int64? {
        let session = sessions[0]
        return try await preparation.run { _ in try session.withWriter { try $0.seal(key) } }
    }

    private func session(of key: LedgerKey) -> Session {
        let index = assigned.withLock { assigned in
            if let known = assigned[key] { return known }
            let next = assigned.count % sessions.count
            assigned[key] = next
            return next
        }
        return sessions[index]
    }

    /// Writes records as a write would, takes them back, and tells how long that takes.
    ///
    /// The commit's share is measured on a message to the log that belongs to no table (`pg_logical_emit_message`), committed when the
    /// records have been rolled back: it waits until all that they left in the log is on the disk, as their own commit would have.
    public func rehearse(_ records: RecordBatch, for key: LedgerKey) async throws -> Duration {
        try await rehearsal.run { try $0.rehearse(LedgeredBatch(records: records, key: key)) }
    }

    /// Begins a comparison over a session of its own, which needs the rights to read the table and to make temporary ones.
    public func compare(schema: RecordSchema) async throws -> any TableComparison {
        try await compare(schema: schema, pause: pauseBetweenLooks)
    }

    func compare(schema: RecordSchema, pause: @escaping @Sendable () async throws -> Void) async throws
        -> any TableComparison
    {
        let (server, target, name) = (server, target, name)
        return try await SessionComparison(label: "compare \(target.table)", pause: pause) {
            try PostgreSQLComparison(server, target, schema: schema, databaseName: name)
        }
    }

    /// Closes the sessions; a later write opens others.
    public func close() async {
        for session in sessions { await session.close() }
        // Nothing in it throws.
        try? await rehearsal.run { $0.close() }
    }
}
