/// The buckets of one result: contiguous, disjoint, none empty, together all records 1…N.
public struct BucketPlan: Codable, Hashable, Sendable {
    /// In order; empty when the result has no records.
    public let buckets: [Bucket]

    /// More buckets than this are refused: each one is an executor with a history of its own, so a plan beyond this size only makes work.
    public static let maximumCount = 1_000_000

    /// A plan that is right by construction, or is about to be validated.
    init(unchecked buckets: [Bucket]) {
        self.buckets = buckets
    }

    /// A plan that was stored, checked again.
    ///
    /// - Throws: ``PlanError`` as ``validate(recordCount:)`` does.
    public init(stored buckets: [Bucket], recordCount: Int64) throws(PlanError) {
        self.init(unchecked: buckets)
        try validate(recordCount: recordCount)
    }

    /// Cuts 1…`recordCount` into buckets whose record counts differ by one at most, the larger ones first.
    ///
    /// - Throws: ``PlanError`` when there would be more than ``maximumCount`` buckets.
    public static func byRecords(_ target: BucketTarget, recordCount: Int64) throws(PlanError) -> BucketPlan {
        guard recordCount > 0 else { return BucketPlan(unchecked: []) }
        let count = try target.bucketCount(amount: recordCount, recordCount: recordCount)
        let (size, larger) = recordCount.quotientAndRemainder(dividingBy: Int64(count))
        // First and end are worked out from the record count without a sum that could exceed it.
        let buckets = (0..<count).map { index in
            let first = Int64(index) * size + min(Int64(index), larger)
            return Bucket(
                number: index + 1,
                firstOrdinal: first + 1,
                endOrdinal: first + size + (Int64(index) < larger ? 1 : 0) + 1
            )
        }
        return BucketPlan(unchecked: buckets)
    }

    /// Checks what the plan promises, against the number of records in the result.
    ///
    /// - Throws: ``PlanError``, which names the first defect: a wrong number, an empty bucket, a gap, an overlap, or records or keys
    ///   that are not covered.
    public func validate(recordCount: Int64) throws(PlanError) {
        if buckets.contains(where: { $0.keys != nil }) { return try validateKeys() }
        var expected: Int64 = 1
        for (index, bucket) in buckets.enumerated() {
            guard bucket.number == index + 1 else { throw .outOfOrder(bucket, expected: index + 1) }
            guard bucket.endOrdinal > bucket.firstOrdinal else { throw .emptyBucket(bucket) }
            guard bucket.firstOrdinal <= expected else { throw .gap(before: bucket, expected: expected) }
            guard bucket.firstOrdinal == expected else { throw .overlap(bucket, expected: expected) }
            expected = bucket.endOrdinal
        }
        guard expected - 1 == max(0, recordCount) else {
            throw .notCovering(planned: expected - 1, recordCount: recordCount)
        }
    }
}
