/// A table that records are written to: exactly once for every record, however often its batch is handed in.
public protocol RecordTable: Sendable {
    /// How many groups of batches are written at the same time, each over a connection of its own.
    var writers: Int { get }

    /// Looks whether the table can take such records, without changing anything.
    ///
    /// - Throws: ``SinkError``, or ``TargetUnavailable`` when the target cannot be asked just now.
    func check(_ schema: RecordSchema) async throws

    /// Makes the table (when asked to) and the ledger, and checks the columns.
    ///
    /// - Throws: ``SinkError`` or ``TargetUnavailable``.
    func prepare(_ schema: RecordSchema) async throws

    /// Takes the records that the ledger has not seen; returns when they are on the disk. Batches that wait are committed together.
    ///
    /// - Throws: ``TargetUnavailable``; nothing of the batch was taken then.
    func write(_ records: RecordBatch, for key: LedgerKey) async throws -> WriteOutcome

    /// The next ordinal that the ledger says the table has not durably taken; nil when the ledger does not know the bucket.
    ///
    /// - Throws: ``SinkError`` or ``TargetUnavailable``.
    func nextOrdinal(for key: LedgerKey) async throws -> Int64?

    /// Lets nobody write records of a bucket any more, also where another process thinks it is still at it: what is under way is waited for,
    /// and whatever comes later fails with a ``SinkError``. Safe to repeat.
    ///
    /// - Returns: the next ordinal that the table has not durably taken, which is final; nil when the ledger does not know the bucket and
    ///   nobody can have written it.
    /// - Throws: ``SinkError`` or ``TargetUnavailable``; whether the bucket is sealed is not known then.
    func seal(_ key: LedgerKey) async throws -> Int64?

    /// Writes records as a write would, in a transaction that is rolled back, and tells how long writing them takes.
    ///
    /// The time is that of the records and the ledger's move, with what their commit costs; what a new table or connection costs is left
    /// out. Records that are refused cost what they cost in a write, and what comes behind them is written too. Batches that are written
    /// at the same time share commits, and so take less time together than the sum of their rehearsals.
    ///
    /// Nothing stays of it: no row, no ledger, no table where there was none; but in PostgreSQL sequences do not go back, dead rows are
    /// left to the next vacuum, and the table's locks are held meanwhile as they are in a write.
    ///
    /// - Parameter key: one that the ledger has not seen; records that it has seen would be trimmed, as they are in a write.
    /// - Throws: ``SinkError``, or ``TargetUnavailable``.
    func rehearse(_ records: RecordBatch, for key: LedgerKey) async throws -> Duration

    /// Begins a comparison of records with what the table holds, over a connection of its own.
    ///
    /// - Parameter schema: tells the key column, as it does for a write. The records that are compared may have other columns beside it.
    /// - Throws: ``SinkError``, also when the table is missing, or ``TargetUnavailable``.
    func compare(schema: RecordSchema) async throws -> any TableComparison

    /// Closes the connection; a later write opens it again.
    func close() async
}
