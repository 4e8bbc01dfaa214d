public import SQLConnectors

extension BucketPlan {
    /// So far are the first ordinals of two buckets apart that are read by their keys: a bucket may come to hold more records than were there
    /// when it was planned, and no two records of a query may have the same ordinal. Bucket 3 has the ordinals from 3,000,000,000,001 on.
    static let ordinalsPerBucket: Int64 = 1_000_000_000_000

    /// The buckets of a query that is read by its keys.
    ///
    /// - Parameter cut: made for as many parts as ``BucketTarget`` says.
    public static func byKeys(_ cut: KeyCut) -> BucketPlan {
        guard cut.recordCount > 0 else { return BucketPlan(unchecked: []) }
        let count = cut.starts.count + 1
        let (size, larger) = cut.recordCount.quotientAndRemainder(dividingBy: Int64(count))
        let buckets = (0..<count).map { index in
            let first = Int64(index + 1) * ordinalsPerBucket + 1
            return Bucket(
                number: index + 1,
                firstOrdinal: first,
                endOrdinal: first + size + (Int64(index) < larger ? 1 : 0),
                keys: KeyRange(
                    from: index == 0 ? .beginning : .at(cut.starts[index - 1]),
                    before: index == count - 1 ? nil : cut.starts[index]
                )
            )
        }
        return BucketPlan(unchecked: buckets)
    }

    /// Checks what a plan by keys promises: every key lies in one bucket.
    func validateKeys() throws(PlanError) {
        var start = KeyRange.Start.beginning
        for (index, bucket) in buckets.enumerated() {
            guard bucket.number == index + 1 else { throw .outOfOrder(bucket, expected: index + 1) }
            guard let keys = bucket.keys, keys.start == start, (keys.before == nil) == (index == buckets.count - 1),
                bucket.firstOrdinal == Int64(bucket.number) * Self.ordinalsPerBucket + 1
            else { throw .keysApart(bucket) }
            if let before = keys.before { start = .at(before) }
        }
    }
}
