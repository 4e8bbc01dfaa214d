/// Cuts a result into buckets of even bytes in one pass over its records' sizes, holding nothing but the buckets.
///
/// The ideal boundary after bucket k lies at `total × k ÷ count` bytes. The cut is made between records, at whichever end of the record
/// that holds the ideal boundary is nearer, so it is off by half that record at most. Only two things move a cut further: no bucket may
/// be empty, so after a record larger than several buckets the next cuts follow one record apart, and enough records are kept back
/// for the buckets still to come.
public struct ByteBucketCutter: Sendable {
    private let recordCount: Int64
    private let byteCount: Int64
    private let count: Int
    private var buckets: [Bucket] = []
    private var firstOrdinal: Int64 = 1
    private var nextOrdinal: Int64 = 1
    private var bytesBefore: Int64 = 0
    private var bytesBeforeBucket: Int64 = 0

    /// - Parameters:
    ///   - target: how many buckets, or how many bytes in each.
    ///   - recordCount: records of the result.
    ///   - byteCount: the sum of the sizes that ``add(ordinal:byteCount:)`` will be given.
    /// - Throws: ``PlanError`` when there would be more than ``BucketPlan/maximumCount`` buckets.
    public init(_ target: BucketTarget, recordCount: Int64, byteCount: Int64) throws(PlanError) {
        self.recordCount = max(0, recordCount)
        self.byteCount = byteCount
        count = recordCount > 0 ? try target.bucketCount(amount: byteCount, recordCount: recordCount) : 0
    }

    /// Takes the next record; ordinals come in order, from 1, without gaps.
    ///
    /// - Throws: ``PlanError`` when ordinals or sizes are not those of the result that was described.
    public mutating func add(ordinal: Int64, byteCount size: Int) throws(PlanError) {
        guard ordinal == nextOrdinal, ordinal <= recordCount else {
            throw .sizesChanged("Record \(ordinal) of \(recordCount) was read where record \(nextOrdinal) was expected")
        }
        let (bytesAfter, isTooLarge) = bytesBefore.addingReportingOverflow(Int64(size))
        guard size >= 0, !isTooLarge, bytesAfter <= byteCount else {
            throw .sizesChanged("The records up to \(ordinal) have more than the result's \(byteCount) bytes")
        }
        if shouldCut(bytesAfter: bytesAfter) { cut() }
        bytesBefore = bytesAfter
        nextOrdinal += 1
    }

    /// The plan, after the last record.
    ///
    /// - Throws: ``PlanError`` when records or bytes are missing.
    public consuming func finish() throws(PlanError) -> BucketPlan {
        guard nextOrdinal - 1 == recordCount, bytesBefore == byteCount else {
            throw .sizesChanged(
                "\(nextOrdinal - 1) records with \(bytesBefore) bytes were read of \(recordCount) records with \(byteCount) bytes"
            )
        }
        if recordCount > 0 { cut() }
        let plan = BucketPlan(unchecked: buckets)
        try plan.validate(recordCount: recordCount)
        return plan
    }

    /// Whether the present bucket ends before the record that is being added.
    private func shouldCut(bytesAfter: Int64) -> Bool {
        let present = buckets.count + 1
        guard present < count, nextOrdinal > firstOrdinal else { return false }
        let recordsLeft = recordCount - nextOrdinal + 1
        if recordsLeft == Int64(count - present) { return true }
        guard byteCount > 0 else { return nextOrdinal - firstOrdinal >= evenRecordCount(of: present) }
        // The ideal boundary is no nearer to the record's end than to its start: total × k ÷ count ≤ (before + after) ÷ 2.
        return 2 * Int128(byteCount) * Int128(present) <= Int128(count) * (Int128(bytesBefore) + Int128(bytesAfter))
    }

    /// Records without a single byte have no ideal boundary: they are cut by their number.
    private func evenRecordCount(of bucket: Int) -> Int64 {
        let (size, larger) = recordCount.quotientAndRemainder(dividingBy: Int64(count))
        return size + (Int64(bucket) <= larger ? 1 : 0)
    }

    private mutating func cut() {
        buckets.append(
            Bucket(
                number: buckets.count + 1,
                firstOrdinal: firstOrdinal,
                endOrdinal: nextOrdinal,
                byteCount: bytesBefore - bytesBeforeBucket
            )
        )
        firstOrdinal = nextOrdinal
        bytesBeforeBucket = bytesBefore
    }
}
