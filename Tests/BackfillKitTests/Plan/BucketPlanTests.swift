import Testing

@testable import BackfillKit
import TestSupport

@Suite("Buckets by records are contiguous, disjoint, covering, and differ by one record at most")
struct BucketPlanTests {
    @Test(
        "Small cases by hand",
        arguments: [
            (BucketTarget.count(3), 10, [4, 3, 3]), (.count(8), 3, [1, 1, 1]), (.count(4), 0, []), (.count(1), 1, [1]),
            (.size(4), 10, [4, 3, 3]), (.size(100), 10, [10]), (.size(1), 3, [1, 1, 1]), (.size(5), 10, [5, 5]),
        ] as [(BucketTarget, Int64, [Int64])]
    )
    func byHand(target: BucketTarget, recordCount: Int64, sizes: [Int64]) throws {
        let plan = try BucketPlan.byRecords(target, recordCount: recordCount)
        #expect(plan.buckets.map(\.recordCount) == sizes)
        try plan.validate(recordCount: recordCount)
    }

    @Test("Any number of records, any target", arguments: 1...6 as ClosedRange<UInt64>)
    func property(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<1_000 {
            // Every magnitude up to 2^62 is as likely as any other.
            let recordCount = Int64.random(in: 0...(1 << Int64.random(in: 0...62, using: &random)), using: &random)
            let count = Int.random(in: 1...300, using: &random)
            let isCount = Bool.random(using: &random)
            let size = max(1, recordCount / Int64(count))
            let target: BucketTarget = isCount ? .count(count) : .size(size)
            let plan = try BucketPlan.byRecords(target, recordCount: recordCount)
            try plan.validate(recordCount: recordCount)
            guard let spread = plan.recordSpread else {
                #expect(recordCount == 0, "seed \(seed)")
                continue
            }
            #expect(spread.largest - spread.smallest <= 1, "seed \(seed): \(target) of \(recordCount)")
            if isCount {
                #expect(
                    Int64(plan.buckets.count) == min(Int64(count), recordCount),
                    "seed \(seed): \(target) of \(recordCount)"
                )
            } else {
                #expect(spread.largest <= size, "seed \(seed): \(target) of \(recordCount)")
            }
        }
    }

    @Test("More buckets than a plan may have are refused, with the size that would do")
    func tooMany() {
        let error = #expect(throws: PlanError.self) { try BucketPlan.byRecords(.size(1), recordCount: 8_000_001) }
        #expect(error?.code == .tooManyBuckets)
        #expect(error?.description.contains("a size of 9 or more") == true)
        #expect(throws: Never.self) { try BucketPlan.byRecords(.size(9), recordCount: 8_000_001) }
    }

    @Test(
        "A stored plan with a defect is refused by its name",
        arguments: [
            ([(1, 1, 4), (2, 5, 11)], PlanError.Code.gap), ([(1, 2, 11)], .gap), ([(1, 1, 6), (2, 5, 11)], .overlap),
            ([(1, 0, 11)], .overlap), ([(1, 1, 6), (2, 6, 6), (3, 6, 11)], .emptyBucket),
            ([(1, 1, 6), (2, 6, 4)], .emptyBucket),
            ([(2, 1, 6), (1, 6, 11)], .outOfOrder), ([(1, 1, 6), (3, 6, 11)], .outOfOrder),
            ([(1, 1, 10)], .notCovering),
            ([(1, 1, 12)], .notCovering), ([], .notCovering), ([(1, 1, .max)], .notCovering),
            ([(1, .min, .max)], .overlap),
        ] as [([(Int, Int64, Int64)], PlanError.Code)]
    )
    func defects(ranges: [(Int, Int64, Int64)], code: PlanError.Code) {
        let buckets = ranges.map { Bucket(number: $0.0, firstOrdinal: $0.1, endOrdinal: $0.2) }
        let error = #expect(throws: PlanError.self) { try BucketPlan(stored: buckets, recordCount: 10) }
        #expect(error?.code == code)
    }

    @Test("Any change of one number in a plan is noticed", arguments: 1...4 as ClosedRange<UInt64>)
    func mutation(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<500 {
            let recordCount = Int64.random(in: 1...200, using: &random)
            var buckets = try BucketPlan.byRecords(
                .count(Int.random(in: 1...20, using: &random)),
                recordCount: recordCount
            ).buckets
            let index = Int.random(in: 0..<buckets.count, using: &random)
            let change = Int64.random(in: 1...3, using: &random) * (Bool.random(using: &random) ? 1 : -1)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: buckets[index].firstOrdinal += change
            case 1: buckets[index].endOrdinal += change
            default: buckets[index].number += Int(change)
            }
            #expect(throws: PlanError.self, "seed \(seed)") {
                try BucketPlan(stored: buckets, recordCount: recordCount)
            }
        }
    }

    @Test("The spread says how much the largest bucket exceeds the mean")
    func spread() throws {
        let plan = BucketPlan(unchecked: [
            Bucket(number: 1, firstOrdinal: 1, endOrdinal: 2), Bucket(number: 2, firstOrdinal: 2, endOrdinal: 5),
        ])
        let spread = try #require(plan.recordSpread)
        #expect((spread.bucketCount, spread.smallest, spread.largest) == (2, 1, 3))
        #expect(spread.mean == 2 && spread.skew == 1.5)
        #expect(plan.byteSpread == nil)
        #expect(BucketPlan(unchecked: []).recordSpread == nil)
    }

    @Test("A plan reads back as it was stored")
    func coding() throws {
        let plan = try BucketPlan.byRecords(.count(3), recordCount: 10)
        #expect(try JSONText.decode(BucketPlan.self, from: JSONText.encode(plan)) == plan)
    }
}
