/// How even the buckets of a plan are.
public struct BucketSpread: Codable, Hashable, Sendable {
    /// Buckets of the plan.
    public let bucketCount: Int
    /// The smallest bucket, in records or bytes.
    public let smallest: Int64
    /// The largest bucket, in records or bytes.
    public let largest: Int64
    /// The mean of all buckets, in records or bytes.
    public let mean: Double

    /// Largest by mean: how much longer the slowest of equally fast executors takes than it would with even buckets. 1 is even.
    public var skew: Double { mean > 0 ? Double(largest) / mean : 1 }

    fileprivate init?(_ amounts: [Int64]) {
        guard let smallest = amounts.min(), let largest = amounts.max() else { return nil }
        bucketCount = amounts.count
        self.smallest = smallest
        self.largest = largest
        mean = amounts.reduce(0) { $0 + Double($1) } / Double(amounts.count)
    }
}

extension BucketPlan {
    /// The spread in records; nil when there are no buckets.
    public var recordSpread: BucketSpread? { BucketSpread(buckets.map(\.recordCount)) }

    /// The spread in bytes; nil when there are no buckets or the plan was not made by bytes.
    public var byteSpread: BucketSpread? {
        let amounts = buckets.compactMap(\.byteCount)
        return amounts.count == buckets.count ? BucketSpread(amounts) : nil
    }
}
