import Benchmark
import Foundation
import WorkflowEngine
import WorkflowTesting

func addEngineBenchmarks() {
    var configuration = Benchmark.Configuration(
        metrics: Metrics.compared + [Metrics.events],
        warmupIterations: 1,
        maxDuration: .seconds(10),
        maxIterations: 25
    )

    // 5,000 activities leave 20,004 events, which is within an execution's limit.
    for (workflows, activities) in [(1, 5_000), (64, 200)] {
        Benchmark("no-op activities, \(workflows) at once", configuration: configuration) { benchmark in
            let workplace = try await Workplace.open()
            let reference = try CommitReference()
            let count = workflows * activities
            let referenceTime = try await Elapsed.during { try reference.commit(times: count) }
            let time = try await Elapsed.during {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<workflows {
                        group.addTask { _ = try await workplace.run(activities: activities) }
                    }
                    try await group.waitForAll()
                }
            }
            benchmark.measurement(Metrics.events, try await 1000 * workplace.countEvents() / count)
            benchmark.record(count, in: time, against: referenceTime)
            try await workplace.close()
        }
    }

    configuration.metrics = [.throughput, Metrics.oursCPU, Metrics.events, Metrics.microseconds]
    Benchmark("replay of a 25,000-event history", configuration: configuration) { benchmark in
        let workplace = try await Workplace.open()
        let executionID = try await workplace.run(activities: 6_249)
        let store = try SQLiteHistoryStore(reading: workplace.histories)
        var events = 0
        let time = try await Elapsed.during {
            let history = try await store.history(of: executionID)
            try Replayer(Sequence.self).replay(history)
            events = history.count
        }
        benchmark.measurement(Metrics.events, 1000 * events / 6_249)
        benchmark.measurement(Metrics.microseconds, Int(1e6 * time.seconds))
        benchmark.measurement(Metrics.oursCPU, Int(1e9 * time.cpuSeconds / Double(events)))
        benchmark.endRound()
        try await workplace.close()
    }
}
