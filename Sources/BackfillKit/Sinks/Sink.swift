import SQLConnectors

/// A subscriber that ships with the toolkit and keeps a ledger: it takes every record exactly once, however often a batch is repeated.
protocol Sink: Sendable {
    /// The subscription's name, in dead letters and `stats`.
    var name: String { get }

    /// Looks whether the target can take such records, without changing anything.
    func check(_ schema: RecordSchema) async throws

    /// Makes what is missing (table, ledger, file) before the first record.
    func prepare(_ schema: RecordSchema) async throws

    /// Takes the records that its ledger has not seen; returns when they are durable.
    func write(_ messages: RecordMessages) async throws -> WriteOutcome

    /// The run is complete: gives the result its final form. Safe to repeat.
    func finish() async throws

    /// The run is cancelled: removes what nobody will finish. What the target took stays.
    func abandon() async throws

    /// Releases what is open.
    func close() async
}

extension Sink {
    /// Nothing is left unfinished.
    func abandon() async throws {}
}

/// A sink that can say how long it takes for records without keeping them. One whose records leave the machine for good cannot.
protocol RehearsableSink: Sink {
    /// How many groups of batches it writes at the same time.
    var writers: Int { get }

    /// Writes records as ``write(_:)`` would, keeps nothing of them, and tells how long it takes until they are durable.
    func rehearse(_ messages: RecordMessages) async throws -> Duration
}
