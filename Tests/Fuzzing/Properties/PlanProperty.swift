@testable import BackfillKit

extension Property {
    /// Plans are contiguous, disjoint, covering and even, for any sizes and any target; stored plans are checked.
    static let plan = Property(name: "plan") { input in
        var draw = Draw(input)
        switch draw.byte() % 3 {
        case 0: try byRecords(&draw)
        case 1: try byBytes(&draw)
        default: try stored(&draw)
        }
    }

    private static func target(_ draw: inout Draw) -> BucketTarget {
        draw.byte() % 2 == 0 ? .count(Int(draw.number())) : .size(draw.number())
    }

    private static func byRecords(_ draw: inout Draw) throws {
        // One record more would have no ordinal behind it.
        let (target, count) = (target(&draw), min(draw.number(), .max - 1))
        // Plans of a million buckets are right as smaller ones are, and take a second each.
        if case .count(let wanted) = target, wanted > 5_000 { return }
        if case .size(let size) = target, size < count / 5_000 { return }
        guard let plan = try? BucketPlan.byRecords(target, recordCount: count) else {
            throw Violation(description: "no plan of \(target) for \(count) records")
        }
        try plan.validate(recordCount: count)
        try require(count > 0 || plan.buckets.isEmpty, "\(plan.buckets.count) buckets of nothing")
        if let spread = plan.recordSpread { try require(spread.largest - spread.smallest <= 1, "\(spread)") }
        if case .size(let size) = target, let spread = plan.recordSpread {
            try require(spread.largest <= max(1, size), "a bucket of \(spread.largest) for a size of \(size)")
        }
        _ = try BucketPlan(stored: plan.buckets, recordCount: count)
    }

    private static func byBytes(_ draw: inout Draw) throws {
        let target = target(&draw)
        var sizes: [Int] = []
        while !draw.isAtEnd, sizes.count < 2_000 { sizes.append(Int(draw.byte()) << (Int(draw.byte()) % 40)) }
        let total = sizes.reduce(0, +)
        if case .count(let wanted) = target, wanted > 5_000 { return }
        var cutter = try ByteBucketCutter(target, recordCount: Int64(sizes.count), byteCount: Int64(total))
        for (index, size) in sizes.enumerated() { try cutter.add(ordinal: Int64(index + 1), byteCount: size) }
        let plan = try cutter.finish()
        try plan.validate(recordCount: Int64(sizes.count))
        var end = 0
        var bytes = 0
        let largest = sizes.max() ?? 0
        for bucket in plan.buckets {
            let own = sizes[(Int(bucket.firstOrdinal) - 1)..<(Int(bucket.endOrdinal) - 1)].reduce(0, +)
            try require(
                bucket.byteCount == Int64(own),
                "bucket \(bucket.number) says \(bucket.byteCount ?? -1), has \(own)"
            )
            bytes += own
            end += Int(bucket.recordCount)
            // Within a record of the ideal, unless buckets had to be kept from being empty, which records without bytes and huge ones do.
            let ideal = Double(total) * Double(bucket.number) / Double(plan.buckets.count)
            let isEven = Double(largest) * Double(plan.buckets.count) <= Double(total) && !sizes.contains(0)
            if isEven, sizes.count >= 2 * plan.buckets.count {
                try require(
                    abs(Double(bytes) - ideal) <= Double(largest),
                    "bucket \(bucket.number) ends at \(bytes), ideal \(ideal)"
                )
            }
        }
        try require(
            end == sizes.count && bytes == total,
            "\(end) of \(sizes.count) records, \(bytes) of \(total) bytes"
        )
    }

    private static func stored(_ draw: inout Draw) throws {
        let count = Int64(draw.byte())
        var buckets: [Bucket] = []
        while !draw.isAtEnd, buckets.count < 40 {
            buckets.append(
                Bucket(number: Int(draw.number()), firstOrdinal: draw.number(), endOrdinal: draw.number())
            )
        }
        guard let plan = try? BucketPlan(stored: buckets, recordCount: count) else { return }
        let covered = plan.buckets.flatMap { Array($0.firstOrdinal..<$0.endOrdinal) }
        try require(
            covered == (count > 0 ? Array(1...count) : []),
            "a plan of \(covered) was taken for \(count) records"
        )
    }
}
