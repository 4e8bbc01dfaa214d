import Benchmark

let benchmarks: @Sendable () -> Void = {
    addEngineBenchmarks()
    addTopicBenchmarks()
}
