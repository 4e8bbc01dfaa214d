/// A table that records are written to: exactly once for every record, however often its batch is handed in.
public protocol RecordTable: Sendable {
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

    /// Begins a comparison of records with what the table holds, over a connection of its own.
    ///
    /// - Parameter schema: tells the key column, as it does for a write. The records that are compared may have other columns beside it.
    /// - Throws: ``SinkError``, also when the table is missing, or ``TargetUnavailable``.
    func compare(schema: RecordSchema) async throws -> any TableComparison

    /// Closes the connection; a later write opens it again.
    func close() async
}
