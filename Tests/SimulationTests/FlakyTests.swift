import Foundation
import PubSub
import SQLConnectors
import Synchronization
import TestSupport
import Testing
import Workflows

@testable import BackfillKit
@testable import Simulation

/// Fails at random one time in a hundred, the same way for the same seed.
private final class OneInAHundred: Sendable {
    private let state: Mutex<(random: SplitMix64, failures: Int)>

    init(seed: UInt64) { state = Mutex((SplitMix64(seed: seed), 0)) }

    var failures: Int { state.withLock(\.failures) }

    func isDue() -> Bool {
        state.withLock { state in
            let isDue = Int.random(in: 0..<100, using: &state.random) == 0
            if isDue { state.failures += 1 }
            return isDue
        }
    }
}

/// Collects the ids it is handed, and is unavailable now and then, though not three times in a row.
private final class FlakySubscriber: Subscriber {
    struct Unavailable: SubscriptionUnavailable {}

    private let chance: OneInAHundred
    private let seen = Mutex<[Int]>([])
    private let failed = Mutex(0)

    init(_ chance: OneInAHundred) { self.chance = chance }

    /// Messages of deliveries that failed.
    var failedMessages: Int { failed.withLock { $0 } }
    var ids: [Int] { seen.withLock { $0.sorted() } }

    func receive(_ delivery: Delivery<RecordMessages>) async throws -> DeliveryOutcome {
        if delivery.attempt < 3, chance.isDue() {
            failed.withLock { $0 += delivery.batch.messageCount }
            throw Unavailable()
        }
        let records = delivery.batch.records
        let ids = (0..<records.count).compactMap { Int(records.key(at: $0)) }
        seen.withLock { $0 += ids }
        return .acknowledged
    }
}

@Suite(
    "What is unavailable one time in a hundred needs nobody's help",
    .enabled(if: Simulation.isPossible, "a sanitizer needs the real system")
)
struct FlakyTests {
    private static func with(_ seed: UInt64, _ body: @escaping @Sendable (World) async throws -> Void) async throws {
        try await Lanes.alone {
            try World.with(seed: seed, records: 150...200, poisoned: 0...0) { world, _ in try await body(world) }
        }
    }

    @Test("Failing sinks are retried, and each retry is counted and kept with its cause", .timeLimit(.minutes(10)))
    func sinks() async throws {
        struct Figures {
            var retries = 0
            var retriesOfBuckets = 0
            var attempts: [ActivityAttempt] = []
            var violations: [String] = []
        }
        let found = Noted<Figures>()
        for seed in 0..<12 as Range<UInt64> {
            try await Self.with(seed) { world in
                let chance = OneInAHundred(seed: seed)
                let process = SimulatedProcess(world: world, fate: Fate(moments: nil)) { moment in
                    if chance.isDue() { throw TargetUnavailable("The target is unavailable \(moment).") }
                }
                var figures = Figures()
                _ = try await process.live { client, store, runID in
                    let stats = try await RunStats.read(runID, store: store, client: client)
                    let executions = try await client.executions(ExecutionFilter(workflowType: "ExecutorWorkflow"))
                    for execution in executions {
                        figures.attempts += try await client.attempts(of: execution.executionID)
                    }
                    figures.retries = stats.run.retries
                    figures.retriesOfBuckets = stats.buckets.reduce(0) { $0 + $1.retries }
                }
                figures.violations = try await Inspection.inspect(world).violations
                found.note(figures)
            }
            let figures = try #require(found.last)
            #expect(figures.violations == [], "seed \(seed)")
            #expect(figures.retries == figures.attempts.count, "seed \(seed)")
            #expect(figures.retriesOfBuckets == figures.attempts.count, "seed \(seed)")
            #expect(
                figures.attempts.allSatisfy { attempt in
                    attempt.activityType == "PublishBatch"
                        && attempt.failure.chain.contains { $0.message.contains("The target is unavailable") }
                },
                "seed \(seed)"
            )
        }
        #expect(found.all.reduce(0) { $0 + $1.attempts.count } > 5)
    }

    @Test("A failing Swift subscriber gets its batches again, and each redelivery is counted", .timeLimit(.minutes(10)))
    func subscriber() async throws {
        let found = Noted<(redeliveries: Int, retries: Int, ids: [Int], violations: [String])>()
        var failures = 0
        for seed in 0..<12 as Range<UInt64> {
            let chance = OneInAHundred(seed: seed)
            let subscriber = FlakySubscriber(chance)
            try await Self.with(seed) { world in
                let process = SimulatedProcess(
                    world: world,
                    fate: Fate(moments: nil),
                    subscribers: ["flaky": subscriber]
                )
                var figures = (redeliveries: 0, retries: 0)
                _ = try await process.live { client, store, runID in
                    let run = try await RunStats.read(runID, store: store, client: client).run
                    figures = (run.redeliveries, run.retries)
                }
                let violations = try await Inspection.inspect(world).violations
                found.note((figures.redeliveries, figures.retries, world.scenario.ids, violations))
            }
            let figures = try #require(found.last)
            #expect(figures.violations == [], "seed \(seed)")
            #expect(figures.redeliveries == subscriber.failedMessages, "seed \(seed)")
            #expect(figures.retries == 0, "seed \(seed)")
            #expect(subscriber.ids == figures.ids, "seed \(seed)")
            failures += chance.failures
        }
        #expect(failures > 0)
    }
}
