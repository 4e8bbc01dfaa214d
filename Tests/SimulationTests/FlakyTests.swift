import PubSub
import SQLConnectors
import Synchronization
import Testing
import Workflows

@testable import BackfillKit
import TestSupport

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

@Suite("What is unavailable one time in a hundred needs nobody's help")
struct FlakyTests {
    private static func scenario(_ seed: UInt64) -> Scenario {
        Scenario(seed: seed, records: 150...200, poisoned: 0...0)
    }

    @Test("Failing sinks are retried, and each retry is counted and kept with its cause", .timeLimit(.minutes(10)))
    func sinks() async throws {
        var failures = 0
        for seed in 0..<12 as Range<UInt64> {
            let scenario = Self.scenario(seed)
            try scenario.create()
            let chance = OneInAHundred(seed: seed)
            let process = SimulatedProcess(scenario: scenario, life: Life(moments: nil)) { moment in
                if chance.isDue() { throw TargetUnavailable("The target is unavailable \(moment).") }
            }
            let outcome = try await process.live { client, store, runID in
                let stats = try await RunStats.read(runID, store: store, client: client)
                let executions = try await client.executions(ExecutionFilter(workflowType: "ExecutorWorkflow"))
                var attempts: [ActivityAttempt] = []
                for execution in executions { attempts += try await client.attempts(of: execution.executionID) }
                #expect(stats.run.retries == attempts.count, "seed \(seed)")
                #expect(stats.buckets.reduce(0) { $0 + $1.retries } == attempts.count, "seed \(seed)")
                #expect(
                    attempts.allSatisfy { attempt in
                        attempt.activityType == "PublishBatch"
                            && attempt.failure.chain.contains { $0.message.contains("The target is unavailable") }
                    },
                    "seed \(seed)"
                )
                failures += attempts.count
            }
            #expect(outcome?.state == .complete, "seed \(seed): \(outcome?.error ?? "")")
            #expect(try await Inspection.inspect(scenario, isComplete: true).violations == [], "seed \(seed)")
            try scenario.remove()
        }
        #expect(failures > 5)
    }

    @Test("A failing Swift subscriber gets its batches again, and each redelivery is counted", .timeLimit(.minutes(10)))
    func subscriber() async throws {
        var failures = 0
        for seed in 0..<12 as Range<UInt64> {
            let scenario = Self.scenario(seed)
            try scenario.create()
            let chance = OneInAHundred(seed: seed)
            let subscriber = FlakySubscriber(chance)
            let process = SimulatedProcess(
                scenario: scenario,
                life: Life(moments: nil),
                subscribers: ["flaky": subscriber]
            )
            let outcome = try await process.live { client, store, runID in
                let run = try await RunStats.read(runID, store: store, client: client).run
                #expect(run.redeliveries == subscriber.failedMessages, "seed \(seed)")
                #expect(run.retries == 0, "seed \(seed)")
            }
            #expect(outcome?.state == .complete, "seed \(seed): \(outcome?.error ?? "")")
            #expect(subscriber.ids == scenario.ids, "seed \(seed)")
            #expect(try await Inspection.inspect(scenario, isComplete: true).violations == [], "seed \(seed)")
            failures += chance.failures
            try scenario.remove()
        }
        #expect(failures > 0)
    }
}
