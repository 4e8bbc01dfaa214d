import Benchmark

/// What a benchmark records in each of its rounds. Its table (`Benchmarks/pieces.sh`) knows them by these names.
enum Metrics {
    static let ours = BenchmarkMetric.custom("ours per second", polarity: .prefersLarger, useScalingFactor: false)
    static let reference = BenchmarkMetric.custom(
        "reference per second",
        polarity: .prefersLarger,
        useScalingFactor: false
    )
    /// Both are measured in the same round, one right after the other.
    static let ratio = BenchmarkMetric.custom(
        "thousandths of the reference",
        polarity: .prefersLarger,
        useScalingFactor: false
    )
    /// What one costs: unlike the others it says the same on a machine that has other work.
    static let oursCPU = BenchmarkMetric.custom("CPU nanoseconds", useScalingFactor: false)
    static let referenceCPU = BenchmarkMetric.custom("reference CPU nanoseconds", useScalingFactor: false)
    static let events = BenchmarkMetric.custom("events per 1,000", useScalingFactor: false)
    static let microseconds = BenchmarkMetric.custom("microseconds", useScalingFactor: false)

    static let compared = [BenchmarkMetric.throughput, ours, reference, ratio, oursCPU, referenceCPU]
}

extension Benchmark {
    /// Records how often in a second something was done and what it cost, and how that compares with the reference.
    func record(_ count: Int, in ours: Elapsed, against reference: Elapsed) {
        measurement(Metrics.ours, Int(Double(count) / ours.seconds))
        measurement(Metrics.reference, Int(Double(count) / reference.seconds))
        measurement(Metrics.ratio, Int(1000 * reference.seconds / ours.seconds))
        measurement(Metrics.oursCPU, Int(1e9 * ours.cpuSeconds / Double(count)))
        measurement(Metrics.referenceCPU, Int(1e9 * reference.cpuSeconds / Double(count)))
        endRound()
    }

    /// The export demands a throughput, which a round of more than two seconds would not have: it is that of nothing, and means nothing.
    func endRound() {
        startMeasurement()
        stopMeasurement()
    }
}
