/// What one publish may hold; whichever bound is reached first ends the batch. A record larger than `bytes` is published alone.
public struct BatchBounds: Hashable, Sendable {
    /// `batch: 1000`, or `batch: {records: 1000}`: 1…1,000,000. With a target it is where batches begin.
    public var records: Int
    /// `batch: {bytes: 4 MiB}`: up to 1 GiB. About so much memory is needed for each executor, twice.
    public var byteCount: Int
    /// `batch: {target: 500ms, min, max}`: batches grow and shrink so that each takes about so long; nil keeps `records`.
    public var target: BatchTarget?

    /// 1,000 records and 4 MiB: large enough to spread the cost of a commit, small enough to retry without regret.
    public static let standard = BatchBounds(records: 1_000, byteCount: 4 * 1_048_576, target: nil)

    /// The most records that a batch may ever hold.
    var mostRecords: Int { target?.maximum ?? records }
}

/// How long a batch should take, and between which sizes it is looked for.
public struct BatchTarget: Hashable, Sendable {
    /// `target`: from a batch's publish until every subscription has settled it.
    public var duration: Duration
    /// `min`: records, at least 1.
    public var minimum: Int
    /// `max`: records.
    public var maximum: Int
}
