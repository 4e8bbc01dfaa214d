import TestSupport
import Testing

@testable import BackfillKit

@Suite("Batches grow and shrink until each takes about as long as it should")
struct BatchSizerTests {
    private func sizer(from records: Int, target: Duration, _ bounds: ClosedRange<Int> = 10...20_000) -> BatchSizer {
        var batch = BatchBounds.standard
        batch.records = records
        batch.target = BatchTarget(
            duration: target,
            minimum: bounds.lowerBound,
            maximum: bounds.upperBound
        )
        return BatchSizer(batch)
    }

    /// What a batch costs: something for the commit, something for each record.
    private func cost(_ records: Int, fixed: Int = 5_000, each: Int = 20) -> Duration {
        .microseconds(fixed + records * each)
    }

    @Test("From wherever it begins, it comes near the target within fifteen batches", arguments: [10, 1_000, 20_000])
    func convergence(start: Int) {
        var sizer = sizer(from: start, target: .milliseconds(100))
        for _ in 0..<15 { sizer.measured(sizer.records, took: cost(sizer.records)) }
        // (100 ms − 5 ms) / 20 µs
        #expect((4_500...5_000).contains(sizer.records), "\(sizer.records)")
    }

    @Test("Measurements that scatter by a half keep it near the target", arguments: [1, 2, 3] as [UInt64])
    func noise(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var sizer = sizer(from: 1_000, target: .milliseconds(100))
        for batch in 0..<300 {
            sizer.measured(sizer.records, took: cost(sizer.records) * Double.random(in: 0.67...1.5, using: &random))
            if batch > 20 { #expect((3_000...7_500).contains(sizer.records), "\(sizer.records)") }
        }
    }

    @Test("One odd batch at most doubles or halves it, and is made up for in a few", arguments: [60_000_000, 1])
    func outlier(microseconds: Int) {
        var sizer = sizer(from: 4_750, target: .milliseconds(100))
        sizer.measured(sizer.records, took: .microseconds(microseconds))
        #expect((2_375...9_500).contains(sizer.records), "\(sizer.records)")
        for _ in 0..<4 { sizer.measured(sizer.records, took: cost(sizer.records)) }
        #expect((4_300...5_200).contains(sizer.records), "\(sizer.records)")
    }

    @Test("It stays within its bounds, whatever batches take")
    func bounds() {
        var sizer = sizer(from: 1_000, target: .milliseconds(100), 50...3_000)
        for _ in 0..<20 { sizer.measured(sizer.records, took: .seconds(10)) }
        #expect(sizer.records == 50)
        for _ in 0..<20 { sizer.measured(sizer.records, took: .zero) }
        #expect(sizer.records == 3_000)
        #expect(self.sizer(from: 10, target: .seconds(1), 50...100).records == 50)
        #expect(self.sizer(from: 1_000, target: .seconds(1), 50...100).records == 100)
    }

    @Test("From a single record it grows again when there is time for two")
    func growsFromOne() {
        var sizer = sizer(from: 1, target: .milliseconds(100), 1...1_000)
        for _ in 0..<30 { sizer.measured(sizer.records, took: cost(sizer.records, fixed: 60_000, each: 1_000)) }
        #expect((35...45).contains(sizer.records), "\(sizer.records)")
    }

    @Test("A batch that a bucket's end or a pace cut short says nothing")
    func cutShort() {
        var sizer = sizer(from: 1_000, target: .milliseconds(100))
        for _ in 0..<10 { sizer.measured(999, took: .milliseconds(1)) }
        #expect(sizer.records == 1_000)
    }

    @Test("Batches of many executors that began with the same size change it once, not once each")
    func oneGeneration() {
        var sizer = sizer(from: 1_000, target: .milliseconds(100))
        for _ in 0..<8 { sizer.measured(1_000, took: .milliseconds(400)) }
        #expect(sizer.records == 500)
        // What takes as long as it should is left alone by what was begun before.
        sizer.measured(500, took: .milliseconds(100))
        #expect(sizer.records == 500)
    }

    @Test("Without a target the size is what the spec says")
    func noTarget() {
        var sizer = BatchSizer(.standard)
        sizer.measured(1_000, took: .seconds(100))
        #expect(sizer.records == 1_000)
    }
}
