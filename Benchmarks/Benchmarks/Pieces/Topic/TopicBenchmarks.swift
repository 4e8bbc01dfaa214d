import Benchmark
import PubSub

/// Eight publishers at once, as eight executors would. The reference makes the same copies from eight tasks, without a topic.
func addTopicBenchmarks() {
    let configuration = Benchmark.Configuration(
        metrics: Metrics.compared,
        warmupIterations: 1,
        maxDuration: .seconds(5),
        maxIterations: 25
    )
    for subscriptions in [1, 4] {
        for size in [1_000, 10] {
            let name = "topic, \(subscriptions) subscriptions, batches of \(size)"
            Benchmark(name, configuration: configuration) { benchmark in
                let publishers = (0..<8).map { "executor \($0)" }
                let batches = 1_000
                let messages = Messages(count: size)
                let topic = Topic<Messages>(name: "topic")
                let copiers = (0..<subscriptions).map { _ in Copier(keys: publishers, messages: size) }
                for (number, copier) in copiers.enumerated() {
                    try topic.subscribe("copier \(number)", subscriber: copier, deadLetters: NoDeadLetters())
                }
                let referenceTime = try await Elapsed.during {
                    try await atOnce(publishers) { publisher in
                        let places = copiers.compactMap { $0.places[publisher] }
                        for _ in 0..<batches {
                            for place in places { place.take(messages) }
                        }
                    }
                }
                let time = try await Elapsed.during {
                    try await atOnce(publishers) { publisher in
                        for _ in 0..<batches { _ = try await topic.publish(messages, orderingKey: publisher) }
                    }
                }
                await topic.close()
                benchmark.record(publishers.count * batches * size, in: time, against: referenceTime)
            }
        }
    }
}

private func atOnce(_ publishers: [OrderingKey], _ body: @escaping @Sendable (OrderingKey) async throws -> Void)
    async throws
{
    try await withThrowingTaskGroup(of: Void.self) { group in
        for publisher in publishers { group.addTask { try await body(publisher) } }
        try await group.waitForAll()
    }
}
