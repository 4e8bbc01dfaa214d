/// What became of a batch that a target took.
public enum WriteOutcome: Sendable {
    /// Every record is durable, now or since an earlier time.
    case written
    /// The record at this position can never be taken. Those before it are durable; those behind it were not tried.
    case rejected(at: Int, RecordRejected)
}

/// Whose batch it is, as ledgers keep it: a target remembers for each the next ordinal it has not durably taken.
public struct LedgerKey: Hashable, Sendable {
    /// The run id.
    public var run: String
    /// The bucket, unique within the run.
    public var bucket: String

    /// Names a bucket of a run.
    public init(run: String, bucket: String) {
        self.run = run
        self.bucket = bucket
    }
}

/// A batch and whose it is.
struct LedgeredBatch: Sendable {
    var records: RecordBatch
    var key: LedgerKey
}

/// A target refuses one record for what it holds.
public struct RecordRejected: Error, CustomStringConvertible, Sendable {
    /// The record id.
    public var recordID: String
    /// Its place in the staged result.
    public var ordinal: Int64
    /// What the target said, with the column where it says which.
    public var cause: String

    /// Names the record and the cause.
    public init(recordID: String, ordinal: Int64, cause: String) {
        self.recordID = recordID
        self.ordinal = ordinal
        self.cause = cause
    }

    /// Which record, and why.
    public var description: String { "record \(recordID) (ordinal \(ordinal)) was refused: \(cause)" }
}

/// A target cannot take anything just now: gone, locked, full, read-only. No record is to blame, and a later attempt may succeed.
public struct TargetUnavailable: Error, CustomStringConvertible, Sendable {
    /// What is wrong, where, and what to do.
    public let description: String

    /// Says what is wrong, where, and what to do.
    public init(_ description: String) { self.description = description }
}

/// A target is not as the spec says. No retry mends it.
public struct SinkError: Error, CustomStringConvertible, Sendable {
    /// What is wrong, where, and what to do.
    public let description: String

    /// Says what is wrong, where, and what to do.
    public init(_ description: String) { self.description = description }
}
