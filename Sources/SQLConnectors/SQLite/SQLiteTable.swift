public import Foundation
import Synchronization

/// A SQLite table as a sink writes to it: exactly once for every record, however often its batch is handed in.
public final class SQLiteTable: RecordTable {
    /// One: SQLite has one writer at a time.
    public let writers = 1

    private let file: URL
    private let target: TableTarget
    /// Shared with the committer's thread, which may outlive a caller's interest.
    private final class Writer: Sendable {
        let writer: Mutex<SQLiteTableWriter>
        init(_ file: URL, _ target: TableTarget) { writer = Mutex(SQLiteTableWriter(file, target)) }
    }

    private let writer: Writer
    private let committer: GroupCommitter<LedgeredBatch, WriteOutcome>
    private let preparation: SerialWorker<Void>

    /// Names the table and the database file it lies in; both are opened by the first use.
    public init(_ file: URL, _ target: TableTarget) {
        self.file = file
        self.target = target
        let writer = Writer(file, target)
        self.writer = writer
        preparation = SerialWorker(label: "prepare \(target.table)", ())
        committer = GroupCommitter(label: "write \(target.table)") { items in
            writer.writer.withLock { $0.commit(items) }
        }
    }

    /// Looks whether the table can take such records, without changing anything; the target may be locked.
    public func check(_ schema: RecordSchema) async throws {
        let (file, target) = (file, target)
        try await preparation.run { _ in try SQLiteTableCheck(file: file, target: target, schema: schema).run() }
    }

    /// Makes the table (when asked to) and the ledger, and checks the columns.
    ///
    /// - Throws: ``SinkError`` or ``TargetUnavailable``.
    public func prepare(_ schema: RecordSchema) async throws {
        try await preparation.run { _ in try self.writer.writer.withLock { try $0.prepare(schema) } }
    }

    /// Takes the records that the ledger has not seen; returns when they are on the disk. Batches that wait are committed together.
    ///
    /// - Throws: ``TargetUnavailable``; nothing of the batch was taken then.
    public func write(_ records: RecordBatch, for key: LedgerKey) async throws -> WriteOutcome {
        try await committer.submit(LedgeredBatch(records: records, key: key))
    }

    /// What the ledger says, as committed.
    public func nextOrdinal(for key: LedgerKey) async throws -> Int64? {
        try await preparation.run { _ in try self.writer.writer.withLock { try $0.nextOrdinal(for: key) } }
    }

    /// Lets nobody write records of a bucket any more.
    public func seal(_ key: LedgerKey) async throws -> Int64? {
        try await preparation.run { _ in try self.writer.writer.withLock { try $0.seal(key) } }
    }

    /// Writes records as a write would, takes them back, and tells how long that takes.
    ///
    /// The commit's share is measured on a file beside the database, which is deleted at once: the same records, committed there to a
    /// plain table. A database that does not exist yet is not made: the whole rehearsal is in such a file.
    public func rehearse(_ records: RecordBatch, for key: LedgerKey) async throws -> Duration {
        let (file, target) = (file, target)
        return try await preparation.run { _ in
            try SQLiteTableWriter(file, target).rehearse(LedgeredBatch(records: records, key: key))
        }
    }

    /// Begins a comparison over a connection of its own, which cannot write to the database file.
    public func compare(schema: RecordSchema) async throws -> any TableComparison {
        try await compare(schema: schema, pause: pauseBetweenLooks)
    }

    func compare(schema: RecordSchema, pause: @escaping @Sendable () async throws -> Void) async throws
        -> any TableComparison
    {
        let (file, target) = (file, target)
        return try await SessionComparison(label: "compare \(target.table)", pause: pause) {
            try SQLiteComparison(file, target, schema: schema)
        }
    }

    /// Closes the connection; a later write opens it again.
    public func close() async {
        let writer = writer
        await committer.afterWriting { writer.writer.withLock { $0.close() } }
    }
}
