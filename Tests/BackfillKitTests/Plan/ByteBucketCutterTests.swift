import Testing

@testable import BackfillKit
import TestSupport

@Suite("Buckets by bytes end within one record of the ideal")
struct ByteBucketCutterTests {
    private func plan(_ sizes: [Int], _ target: BucketTarget) throws -> BucketPlan {
        let total = sizes.reduce(Int64(0)) { $0 + Int64($1) }
        var cutter = try ByteBucketCutter(target, recordCount: Int64(sizes.count), byteCount: total)
        for (index, size) in sizes.enumerated() { try cutter.add(ordinal: Int64(index + 1), byteCount: size) }
        return try cutter.finish()
    }

    struct Example: Sendable {
        let sizes: [Int]
        let target: BucketTarget
        let recordCounts: [Int64]

        static let all = [
            Example(sizes: [10, 10, 10, 10], target: .count(2), recordCounts: [2, 2]),
            Example(sizes: [30, 10, 10, 10], target: .count(2), recordCounts: [1, 3]),
            Example(sizes: [1, 1, 1, 97], target: .count(2), recordCounts: [3, 1]),
            Example(sizes: [97, 1, 1, 1], target: .count(3), recordCounts: [1, 1, 2]),
            Example(sizes: [1, 1, 1, 97], target: .count(4), recordCounts: [1, 1, 1, 1]),
            Example(sizes: [1, 1, 97, 1, 1], target: .count(4), recordCounts: [2, 1, 1, 1]),
            Example(sizes: [0, 0, 0, 0, 0], target: .count(2), recordCounts: [3, 2]),
            Example(sizes: [5], target: .count(8), recordCounts: [1]),
            Example(sizes: [], target: .count(8), recordCounts: []),
            Example(sizes: [10, 10, 10, 10], target: .size(20), recordCounts: [2, 2]),
            Example(sizes: [10, 10, 10], target: .size(1), recordCounts: [1, 1, 1]),
            Example(sizes: [10, 10, 10], target: .size(1_000), recordCounts: [3]),
        ]
    }

    @Test("Small cases by hand", arguments: Example.all)
    func byHand(example: Example) throws {
        let plan = try plan(example.sizes, example.target)
        #expect(plan.buckets.map(\.recordCount) == example.recordCounts)
    }

    @Test("Any sizes, any target", arguments: 1...8 as ClosedRange<UInt64>)
    func property(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for round in 0..<400 {
            let sizes = Self.sizes(using: &random)
            let count = Int.random(in: 1...40, using: &random)
            let plan = try plan(sizes, .count(count))
            try plan.validate(recordCount: Int64(sizes.count))
            let context = "seed \(seed), round \(round): \(count) buckets of \(sizes)"
            #expect(plan.buckets.count == min(count, sizes.count), "\(context)")
            #expect(Self.strayBoundary(plan, sizes: sizes) == nil, "\(context)")
            for bucket in plan.buckets {
                let held = sizes[Int(bucket.firstOrdinal - 1)..<Int(bucket.endOrdinal - 1)].reduce(Int64(0)) {
                    $0 + Int64($1)
                }
                #expect(bucket.byteCount == held, "\(context)")
            }
        }
    }

    @Test("Even sizes give the plan that records give")
    func evenSizes() throws {
        for recordCount in [1, 7, 64, 1_000] {
            let plan = try plan(Array(repeating: 24, count: recordCount), .count(8))
            let spread = try #require(plan.recordSpread)
            #expect(spread.largest - spread.smallest <= 1)
        }
    }

    @Test("Sums near the largest integer are exact")
    func hugeSums() throws {
        let size = Int(Int64.max / 4)
        #expect(try plan([size, size, size, size], .count(2)).buckets.map(\.recordCount) == [2, 2])
        #expect(try plan([size, size, size, size], .count(4)).buckets.map(\.recordCount) == [1, 1, 1, 1])
    }

    @Test("A result that changed between the passes is noticed")
    func changedResult() throws {
        func cutter() throws -> ByteBucketCutter { try ByteBucketCutter(.count(2), recordCount: 2, byteCount: 20) }
        expectChanged {
            var it = try cutter(); try it.add(ordinal: 2, byteCount: 1)
        }
        expectChanged {
            var it = try cutter(); try it.add(ordinal: 1, byteCount: 21)
        }
        expectChanged {
            var it = try cutter(); try it.add(ordinal: 1, byteCount: -1)
        }
        expectChanged {
            var it = try cutter(); try it.add(ordinal: 1, byteCount: 20); _ = try it.finish()
        }
        expectChanged {
            var it = try cutter()
            for ordinal in 1...3 { try it.add(ordinal: Int64(ordinal), byteCount: 1) }
        }
        expectChanged {
            var it = try cutter()
            for ordinal in 1...2 { try it.add(ordinal: Int64(ordinal), byteCount: 1) }
            _ = try it.finish()
        }
    }

    private func expectChanged(_ body: () throws -> Void) {
        let error = #expect(throws: PlanError.self) { try body() }
        #expect(error?.code == .sizesChanged)
    }

    /// Sizes of one of several characters: even, wild, with giants, all zero, mostly zero.
    private static func sizes(using random: inout SplitMix64) -> [Int] {
        let kind = Int.random(in: 0..<5, using: &random)
        return (0..<Int.random(in: 0...120, using: &random)).map { _ in
            switch kind {
            case 0: Int.random(in: 90...110, using: &random)
            case 1: Int.random(in: 0...10_000, using: &random)
            case 2: Int.random(in: 0..<30, using: &random) == 0 ? 1_000_000 : Int.random(in: 1...50, using: &random)
            case 3: 0
            default: Int.random(in: 0..<4, using: &random) == 0 ? 1_000 : 0
            }
        }
    }

    /// The first boundary that is further than one record from its ideal, without the promise of no empty buckets having moved it.
    private static func strayBoundary(_ plan: BucketPlan, sizes: [Int]) -> Int? {
        let count = plan.buckets.count
        let total = sizes.reduce(0, +)
        var before = 0
        for (index, bucket) in plan.buckets.dropLast().enumerated() {
            before += Int(bucket.byteCount ?? 0)
            let end = Int(bucket.endOrdinal - 1)
            let isNear =
                total * (index + 1) >= (before - sizes[end - 1]) * count
                && total * (index + 1) <= (before + sizes[end]) * count
            let followsGiant = bucket.recordCount == 1
            let keepsBack = sizes.count - end == count - index - 1
            if !isNear, !followsGiant, !keepsBack { return index + 1 }
        }
        return nil
    }
}
