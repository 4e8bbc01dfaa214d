/// How results are cut into buckets: `8`, `{count: 8, by: records}`, `{size: 100000}`, `{size: 64 MiB}`, `{count: 8, by: bytes}`.
public struct BucketSizing: Hashable, Sendable {
    /// What the buckets are even in.
    public enum Measure: String, Hashable, Sendable, CaseIterable {
        /// Record counts differ by at most one.
        case records
        /// Each boundary lies within one record of the ideal; takes one more pass over the result.
        case bytes
    }

    /// `by`: records unless given; bytes when `size` has a unit of bytes.
    public var measure: Measure
    /// `count`, 1…1,000,000, or `size`, in records or as a byte size such as `64 MiB`; exactly one of them.
    public var target: BucketTarget

    /// `count: 8, by: records`: one bucket for each of the executors that there are by default.
    public static let standard = BucketSizing(measure: .records, target: .count(8))
}
