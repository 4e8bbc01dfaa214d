import SQLConnectors
import Testing

@testable import BackfillKit

@Suite("Buckets by keys hold every key once, and no two records have one ordinal")
struct KeyPlanTests {
    private func cut(_ recordCount: Int64, _ starts: [Int64]) throws -> KeyCut {
        KeyCut(
            schema: RecordSchema(columns: [Column(name: "id")], keyIndex: 0),
            recordCount: recordCount,
            starts: try starts.map { try #require(RecordKey(.integer($0))) }
        )
    }

    @Test("Ranges follow one another from the smallest key to the largest; ordinals leave room for what comes later")
    func ranges() throws {
        let plan = BucketPlan.byKeys(try cut(10, [50, 70]))
        #expect(plan.buckets.map(\.recordCount) == [4, 3, 3])
        #expect(plan.buckets.map(\.firstOrdinal) == [1_000_000_000_001, 2_000_000_000_001, 3_000_000_000_001])
        #expect(plan.buckets.map { $0.keys?.before?.description } == ["50", "70", nil])
        #expect(plan.buckets.map { $0.keys?.start.key?.description } == [nil, "50", "70"])
        try plan.validate(recordCount: 10)
        #expect(BucketPlan.byKeys(try cut(0, [])).buckets.isEmpty)
        try BucketPlan.byKeys(try cut(1, [])).validate(recordCount: 1)
    }

    @Test("A stored plan whose ranges do not meet, or that lacks one, is found out")
    func damaged() throws {
        let whole = BucketPlan.byKeys(try cut(10, [50, 70])).buckets
        var apart = whole
        apart[1].keys = whole[2].keys
        var moved = whole
        moved[2].firstOrdinal += 1
        for buckets in [Array(whole.dropLast()), Array(whole.dropFirst()), [whole[0], whole[2]], apart, moved] {
            #expect(throws: PlanError.self) { try BucketPlan(stored: buckets, recordCount: 10) }
        }
    }
}
