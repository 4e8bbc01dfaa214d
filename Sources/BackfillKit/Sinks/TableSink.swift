import PubSub
import SQLConnectors

/// A table as a sink. Its ledger lies in the target database and moves in the transaction that holds the records.
struct TableSink: RehearsableSink {
    let name: String
    private let table: any RecordTable
    private let faults: @Sendable (_ moment: String) throws -> Void

    init(_ table: any RecordTable, name: String, faults: @escaping @Sendable (_ moment: String) throws -> Void) {
        self.faults = faults
        self.name = name
        self.table = table
    }

    func check(_ schema: RecordSchema) async throws { try await table.check(schema) }
    func prepare(_ schema: RecordSchema) async throws { try await table.prepare(schema) }

    func write(_ messages: RecordMessages) async throws -> DeliveryOutcome {
        try faults("before a commit of a table")
        let outcome = try await table.write(messages.records, for: messages.ledgerKey)
        try faults("after a commit of a table")
        return DeliveryOutcome(outcome)
    }

    var lossAdvice: String? {
        "its table or database was removed, emptied or put back to an older copy. Put back the newest one"
    }

    func nextOrdinal(for key: LedgerKey) async throws -> Int64? { try await table.nextOrdinal(for: key) }
    func seal(_ key: LedgerKey) async throws -> Int64? { try await table.seal(key) }
    var writers: Int { table.writers }

    func rehearse(_ messages: RecordMessages) async throws -> Duration {
        try await table.rehearse(messages.records, for: messages.ledgerKey)
    }

    /// The last batch's commit was the last step.
    func finish() async throws {}
    func close() async { await table.close() }
}

extension RecordMessages {
    /// Whose records these are, as ledgers keep it.
    var ledgerKey: LedgerKey { LedgerKey(runID, BucketReference(queryID: queryID, number: bucket)) }
}

extension LedgerKey {
    /// Names a bucket of a query of a run.
    init(_ run: RunID, _ bucket: BucketReference) { self.init(run: run.rawValue, bucket: bucket.key) }
}
