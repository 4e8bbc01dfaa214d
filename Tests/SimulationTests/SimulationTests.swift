import Foundation
import Synchronization
import Testing

/// Which seeds to run: all, or the one (`17`) or few (`0-99`) that `BACKFILL_SIMULATION_SEED` names.
private enum Seeds {
    static let all: ClosedRange<UInt64> = 0...9999
    static let chosen: ClosedRange<UInt64>? = {
        let text = ProcessInfo.processInfo.environment["BACKFILL_SIMULATION_SEED"] ?? ""
        let bounds = text.split(separator: "-").compactMap { UInt64($0) }
        guard let first = bounds.first, let last = bounds.last, first <= last else { return nil }
        return first...last
    }()
}

/// Runs seeds on a thread for each of the machine's processors.
enum Lanes {
    static func run(
        _ seeds: ClosedRange<UInt64>,
        _ simulate: @escaping @Sendable (UInt64) -> Simulation.Report
    ) async throws -> [Simulation.Report] {
        try World.prepare()
        let next = Atomic(seeds.lowerBound)
        let shared = Shared(next)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<max(2, ProcessInfo.processInfo.activeProcessorCount) {
                group.addTask { await lane(seeds.upperBound, shared, simulate) }
            }
        }
        return shared.reports.withLock { $0 }
    }

    /// Runs a simulation on a thread of its own.
    static func alone(_ body: @escaping @Sendable () throws -> Void) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            start { continuation.resume(with: Result { try body() }) }
        }
    }

    private static func start(_ body: @escaping @Sendable () -> Void) {
        let thread = Thread(block: body)
        thread.stackSize = 8 << 20
        thread.start()
    }

    private final class Shared: Sendable {
        let next: Atomic<UInt64>
        let reports = Mutex<[Simulation.Report]>([])
        init(_ next: consuming Atomic<UInt64>) { self.next = next }
    }

    private static func lane(
        _ last: UInt64,
        _ shared: Shared,
        _ simulate: @escaping @Sendable (UInt64) -> Simulation.Report
    ) async {
        await withCheckedContinuation { continuation in
            start {
                while true {
                    let seed = shared.next.wrappingAdd(1, ordering: .relaxed).oldValue
                    guard seed <= last else { break }
                    let report = simulate(seed)
                    shared.reports.withLock { $0.append(report) }
                }
                continuation.resume()
            }
        }
    }
}

@Suite("Whatever fails between any two steps, a run does all of its work once")
struct SimulationTests {
    /// What has to have happened to somebody: the simulation is worth what it reaches.
    private static let places = [
        "died before a commit of histories", "died after a commit of histories", "died before an owner is registered",
        "died after an owner is registered", "died before a write of the run store",
        "died after a write of the run store",
        "died before a commit of a table", "died after a commit of a table", "died in a file at partialMade",
        "died in a file at begun", "died in a file at beforeWrite", "died in a file at dataWritten",
        "died in a file at dataSynced", "died in a file at ledgerMoved", "died in a file at markedFinishing",
        "died in a file at renamed", "died in a file at folderSynced", "died in a file at ledgerRemoved",
        "died interrupted", "failed before a commit of histories", "failed after a commit of histories",
        "failed before a write of the run store", "failed after a write of the run store",
        "failed before a commit of a table", "failed after a commit of a table", "failed in a file at dataWritten",
        "power cut", "torn line", "full disk", "hand-over", "redrive", "amendment", "cancelled", "paused", "going on",
        "throttled", "interrupted", "the clock was set forward", "the clock was set back", "the subscriber unavailable",
        "the subscriber takes and fails", "the subscriber takes and never answers", "the subscriber names one",
        "the subscriber is slow",
    ]

    @Test("Every record arrives once, every figure is right, after each life and at the end", .timeLimit(.minutes(10)))
    func seeds() async throws {
        let reports = try await Lanes.run(Seeds.chosen ?? Seeds.all) { Simulation.run($0) }
        for report in reports.filter({ !$0.violations.isEmpty }).sorted(by: { $0.seed < $1.seed }).prefix(10) {
            Issue.record(
                """
                BACKFILL_SIMULATION_SEED=\(report.seed) swift test --filter SimulationTests
                fails: \(report.scenario)
                Its lives: \(report.story.joined(separator: "; "))
                \(report.violations.prefix(5).joined(separator: "\n"))
                """
            )
        }
        let events = reports.reduce(into: [String: Int]()) { $0.merge($1.events, uniquingKeysWith: +) }
        if let file = ProcessInfo.processInfo.environment["BACKFILL_SIMULATION_EVENTS"] {
            let lines = events.sorted { $0.key < $1.key }.map { "\($0.value)\t\($0.key)\n" }
            try lines.joined().write(toFile: file, atomically: false, encoding: .utf8)
        }
        guard Seeds.chosen == nil else { return }
        for place in Self.places { #expect(events[place] ?? 0 > 0, "it never happened: \(place)") }
    }

    @Test("A seed goes the same way each time", .timeLimit(.minutes(10)))
    func replay() async throws {
        let seeds = Seeds.chosen.map { $0.lowerBound...min($0.upperBound, $0.lowerBound + 39) } ?? 0...39
        let (first, second) = try await (
            Lanes.run(seeds) { Simulation.run($0) }, Lanes.run(seeds) { Simulation.run($0) }
        )
        let traces = Dictionary(uniqueKeysWithValues: first.map { ($0.seed, $0) })
        for report in second {
            let other = try #require(traces[report.seed])
            #expect(
                report.trace == other.trace && report.steps == other.steps && report.events == other.events
                    && report.story == other.story,
                "seed \(report.seed) took \(other.steps) steps and then \(report.steps): \(other.story) and \(report.story)"
            )
        }
    }
}
