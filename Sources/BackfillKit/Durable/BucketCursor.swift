public import Workflows

/// What an executor carries from batch to batch and from execution to execution.
public struct BucketCursor: Codable, Hashable, Sendable {
    /// The run.
    public var runID: RunID
    /// The bucket.
    public var bucket: BucketReference
    /// The first ordinal that is not settled; nil before the first batch, which then begins at the stored checkpoint.
    public var nextOrdinal: Int64?
    /// End of the bucket, exclusive; nil before the first batch, and while nobody knows how many records there are.
    public var endOrdinal: Int64?
    /// Records of the bucket that are dead letters so far.
    public var deadLettered: Int64 = 0
    /// Batches this chain has settled.
    public var batches: Int = 0
    /// Why the last batch was not published; the executor ends with it, and another one goes on.
    public var turnedAway: TurnedAway?

    /// Whether every record of the bucket is settled.
    public var isDone: Bool { nextOrdinal != nil && nextOrdinal == endOrdinal }
}

/// What an executor is started with, and hands to its successor.
public struct ExecutorInput: Codable, Sendable {
    /// Where to go on.
    public var cursor: BucketCursor
    /// How PublishBatch is retried.
    public var retryPolicy: RetryPolicy
}
