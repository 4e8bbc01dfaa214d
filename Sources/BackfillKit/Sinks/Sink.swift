import PubSub
import SQLConnectors

/// A subscriber that ships with the toolkit. One that keeps a ledger takes every record exactly once, however often a batch is repeated; one
/// that cannot takes it at least once.
protocol Sink: Sendable {
    /// The subscription's name, in dead letters and `stats`.
    var name: String { get }

    /// Looks whether the target can take such records, without changing anything.
    func check(_ schema: RecordSchema) async throws

    /// Makes what is missing (table, ledger, file) before the first record.
    func prepare(_ schema: RecordSchema) async throws

    /// Takes the records that its ledger has not seen; returns when they are durable, or known to be refused for good.
    ///
    /// - Throws: ``SQLConnectors/TargetUnavailable`` and ``SQLConnectors/SinkError``, for which no record is to blame.
    func write(_ messages: RecordMessages) async throws -> DeliveryOutcome

    /// The next ordinal of a bucket that the sink has not durably taken, as its ledger says; nil when it keeps none, or does not know the
    /// bucket.
    func nextOrdinal(for key: LedgerKey) async throws -> Int64?

    /// Lets nobody write records of a bucket any more, also where a process that was taken for dead thinks that it is still at it.
    ///
    /// - Returns: what ``nextOrdinal(for:)`` would say, which is final.
    func seal(_ key: LedgerKey) async throws -> Int64?

    /// What to say when the target has lost records that its ledger had counted; nil where nothing can tell.
    var lossAdvice: String? { get }

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

    /// Without a ledger nothing tells.
    var lossAdvice: String? { nil }

    /// Without a ledger only the checkpoint knows.
    func nextOrdinal(for key: LedgerKey) async throws -> Int64? { nil }

    /// What one process writes has nobody else to be kept from it, and without a ledger nobody can be.
    func seal(_ key: LedgerKey) async throws -> Int64? { try await nextOrdinal(for: key) }
}

extension DeliveryOutcome {
    /// What a table or a file says, as topics understand it.
    init(_ outcome: WriteOutcome) {
        switch outcome {
        case .written: self = .acknowledged
        case .rejected(let position, let error): self = .rejected(at: position, error)
        }
    }
}

/// A sink that can say how long it takes for records without keeping them. One whose records leave the machine for good cannot.
protocol RehearsableSink: Sink {
    /// How many groups of batches it writes at the same time.
    var writers: Int { get }

    /// Writes records as ``write(_:)`` would, keeps nothing of them, and tells how long it takes until they are durable.
    func rehearse(_ messages: RecordMessages) async throws -> Duration
}
