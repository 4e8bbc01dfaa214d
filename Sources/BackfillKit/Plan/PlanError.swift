/// A plan cannot be made, or a stored plan does not fit its result.
public struct PlanError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Tells the defects apart.
    public enum Code: Hashable, Sendable {
        /// A bucket's number is not its place in the plan.
        case outOfOrder
        /// A bucket holds no record.
        case emptyBucket
        /// Records lie between two buckets, or before the first.
        case gap
        /// Two buckets share records.
        case overlap
        /// A bucket's range of keys does not begin where the one before it ends.
        case keysApart
        /// The last bucket ends before the last record, or after it.
        case notCovering
        /// The spec asks for more buckets than a plan may have.
        case tooManyBuckets
        /// The sizes that were read do not add up to the result that was described.
        case sizesChanged
    }

    /// Which defect.
    public let code: Code
    /// What is wrong, where, and what to do.
    public let description: String

    private init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    private static let damaged = "The stored plan is damaged; begin again with `backfill run SPEC --new`."

    static func outOfOrder(_ bucket: Bucket, expected: Int) -> PlanError {
        PlanError(.outOfOrder, "The plan has bucket \(bucket.number) where bucket \(expected) belongs. \(damaged)")
    }

    static func emptyBucket(_ bucket: Bucket) -> PlanError {
        PlanError(
            .emptyBucket,
            "Bucket \(bucket.number) holds no records: it begins at ordinal \(bucket.firstOrdinal) and ends before \(bucket.endOrdinal). \(damaged)"
        )
    }

    static func gap(before bucket: Bucket, expected: Int64) -> PlanError {
        PlanError(
            .gap,
            "No bucket holds the ordinals \(expected) to \(bucket.firstOrdinal - 1), which come before bucket \(bucket.number). \(damaged)"
        )
    }

    static func overlap(_ bucket: Bucket, expected: Int64) -> PlanError {
        let clash = expected == 1 ? "ordinals begin at 1" : "the buckets before it hold all below \(expected)"
        return PlanError(
            .overlap,
            "Bucket \(bucket.number) begins at ordinal \(bucket.firstOrdinal), but \(clash). \(damaged)"
        )
    }

    static func keysApart(_ bucket: Bucket) -> PlanError {
        PlanError(
            .keysApart,
            "Bucket \(bucket.number) does not begin at the key before which the last one ends. \(damaged)"
        )
    }

    static func notCovering(planned: Int64, recordCount: Int64) -> PlanError {
        PlanError(
            .notCovering,
            "The plan ends at ordinal \(planned), but the result has \(recordCount) records. \(damaged)"
        )
    }

    static func tooManyBuckets(_ count: Int64, target: BucketTarget, amount: Int64) -> PlanError {
        let (smallest, rest) = amount.quotientAndRemainder(dividingBy: Int64(BucketPlan.maximumCount))
        let advice =
            switch target {
            case .count: "Ask for fewer in `buckets:`."
            case .size: "Give `buckets:` a size of \(smallest + (rest > 0 ? 1 : 0)) or more."
            }
        return PlanError(
            .tooManyBuckets,
            "The plan would have \(count) buckets; at most \(BucketPlan.maximumCount) are allowed. \(advice)"
        )
    }

    static func sizesChanged(_ what: String) -> PlanError {
        PlanError(
            .sizesChanged,
            "\(what). The staged result changed while it was planned; leave its file alone and run the query again."
        )
    }
}
