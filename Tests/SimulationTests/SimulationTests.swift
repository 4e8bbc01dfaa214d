import Synchronization
import Testing

@testable import Simulation

/// A few hundred seeds, as unoptimised as tests are; `Tests/simulation.sh` runs ten thousand.
@Suite(
    "Whatever fails between any two steps, a run does all of its work once",
    .enabled(if: Simulation.isPossible, "a sanitizer needs the real system")
)
struct SimulationTests {
    @Test("Every record arrives once, every figure is right, after each life and at the end", .timeLimit(.minutes(10)))
    func seeds() async throws {
        let reports = try await Self.run(0...399)
        var findings = Findings()
        for report in reports {
            findings.note(report)
            if let failure = report.failure { Issue.record("\(failure)") }
        }
        #expect(findings.missing == [], "it never happened")
    }

    @Test("Seeds that once found a mistake", arguments: [6365, 8851, 10975, 15567, 16261, 18778] as [UInt64])
    func found(seed: UInt64) async throws {
        for report in try await Self.run(seed...seed) { #expect(report.failure == nil) }
    }

    @Test("A seed goes the same way each time", .timeLimit(.minutes(10)))
    func replay() async throws {
        let (first, second) = try await (Self.run(0...39), Self.run(0...39))
        for (one, other) in zip(first, second) {
            #expect(
                one.trace == other.trace && one.steps == other.steps && one.events == other.events
                    && one.story == other.story,
                "seed \(one.seed) took \(one.steps) steps and then \(other.steps): \(one.story) and \(other.story)"
            )
        }
    }

    private static func run(_ seeds: ClosedRange<UInt64>) async throws -> [Simulation.Report] {
        let reports = Collected()
        try await Lanes.run(seeds) { report in reports.all.withLock { $0.append(report) } }
        return reports.all.withLock { $0.sorted { $0.seed < $1.seed } }
    }

    private final class Collected: Sendable {
        let all = Mutex<[Simulation.Report]>([])
    }
}
