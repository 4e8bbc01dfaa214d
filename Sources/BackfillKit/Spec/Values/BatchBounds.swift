/// What one publish may hold; whichever bound is reached first ends the batch. A record larger than `bytes` is published alone.
public struct BatchBounds: Hashable, Sendable {
    /// `batch: 1000`, or `batch: {records: 1000}`: 1…1,000,000.
    public var records: Int
    /// `batch: {bytes: 4 MiB}`: up to 1 GiB. About so much memory is needed for each executor, twice.
    public var byteCount: Int

    /// 1,000 records and 4 MiB: large enough to spread the cost of a commit, small enough to retry without regret.
    public static let standard = BatchBounds(records: 1_000, byteCount: 4 * 1_048_576)
}
