/// How finely a result is cut: into how many buckets, or into buckets of about which size.
public enum BucketTarget: Codable, Hashable, Sendable {
    /// So many buckets; fewer when there are fewer records.
    case count(Int)
    /// As many buckets as are needed for none to be planned larger: records or bytes, whatever the plan is made by.
    case size(Int64)

    /// How many buckets an amount (records, or bytes) is cut into; never more than there are records, each bucket having one at least.
    ///
    /// - Throws: ``PlanError`` when that is more than ``BucketPlan/maximumCount``.
    func bucketCount(amount: Int64, recordCount: Int64) throws(PlanError) -> Int {
        let wanted: Int64
        switch self {
        case .count(let count): wanted = Int64(max(1, count))
        case .size(let size):
            let (whole, rest) = amount.quotientAndRemainder(dividingBy: max(1, size))
            wanted = max(1, whole + (rest > 0 ? 1 : 0))
        }
        let count = min(wanted, recordCount)
        guard count <= BucketPlan.maximumCount else { throw .tooManyBuckets(count, target: self, amount: amount) }
        return Int(count)
    }
}
