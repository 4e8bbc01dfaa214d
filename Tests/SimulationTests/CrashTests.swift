import Foundation
import Synchronization
import Testing

@testable import BackfillKit

/// Which seeds to run: all, or the one (`17`) or few (`0-99`) that `BACKFILL_SIMULATION_SEED` names.
private enum Seeds {
    static let all: ClosedRange<UInt64> = 0...1023
    static let chosen: ClosedRange<UInt64>? = {
        let text = ProcessInfo.processInfo.environment["BACKFILL_SIMULATION_SEED"] ?? ""
        let bounds = text.split(separator: "-").compactMap { UInt64($0) }
        guard let first = bounds.first, let last = bounds.last, first <= last else { return nil }
        return first...last
    }()

    /// A few threads of work, so that the machine's cores have something to do.
    static let lanes: UInt64 = 4
}

@Suite("A run that dies at any write, again and again, still does all of its work once")
struct CrashTests {
    @Test("Every record arrives once, every figure is right, at every crash and at the end", .timeLimit(.minutes(10)))
    func crashes() async throws {
        let seeds = Seeds.chosen ?? Seeds.all
        let coverage = Coverage()
        await withTaskGroup(of: Void.self) { group in
            for lane in 0..<Seeds.lanes {
                group.addTask {
                    for seed in seeds where seed % Seeds.lanes == lane { await Self.simulate(seed, coverage) }
                }
            }
        }
        guard Seeds.chosen == nil else { return }
        // The simulation is worth what it reaches.
        let moments = coverage.moments
        let places = [
            "before a commit of histories", "after a commit of histories", "before a write of the run store",
            "after a write of the run store", "before a commit of a table", "after a commit of a table", "in a file at",
            "an owner is registered",
        ]
        for place in places {
            let deaths = moments.filter { $0.key.contains(place) }.values.reduce(0, +)
            #expect(deaths > 0, "no process died \(place)")
        }
        #expect(coverage.handOvers > 0, "no execution handed over to a next one")
    }

    /// Lets one scenario's process die a few times, then live to its end.
    private static func simulate(_ seed: UInt64, _ coverage: Coverage) async {
        var scenario = Scenario(seed: seed)
        var deaths: [String] = []
        var violations: [String] = []
        do {
            try scenario.create()
            var crashes = [1, 1, 1, 2, 2, 4].randomElement(using: &scenario.random) ?? 1
            var isComplete = false
            while !isComplete, violations.isEmpty {
                let reach = [4, 25, 100, 250].randomElement(using: &scenario.random) ?? 1
                let life = Life(moments: crashes > 0 ? .random(in: 1...reach, using: &scenario.random) : nil)
                crashes -= 1
                let outcome = try await SimulatedProcess(scenario: scenario, life: life).live()
                if let outcome, outcome.state != .complete { violations.append("the run reported \(outcome)") }
                isComplete = outcome != nil
                if !isComplete, let moment = life.diedAt { deaths.append(moment) }
                let inspection = try await Inspection.inspect(scenario, isComplete: isComplete)
                violations += inspection.violations
                if isComplete { coverage.add(deaths, handOvers: inspection.handOvers) }
                if Bool.random(using: &scenario.random) { try tearTail(of: scenario) }
            }
            try scenario.remove()
        } catch {
            violations.append("\(error)")
        }
        guard !violations.isEmpty else { return }
        Issue.record(
            """
            BACKFILL_SIMULATION_SEED=\(seed) fails (\(scenario)).
            Died: \(deaths.joined(separator: "; "))
            \(violations.prefix(5).joined(separator: "\n"))
            """
        )
    }

    /// Leaves bytes behind a file's committed length, as a process does that dies while it writes lines.
    private static func tearTail(of scenario: Scenario) throws {
        let partial = FileTarget(file: scenario.file, format: .ndjson).partial
        guard FileManager.default.fileExists(atPath: partial.path) else { return }
        let handle = try FileHandle(forWritingTo: partial)
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(#"{"id":1,"name":"torn"#.utf8))
        try handle.close()
    }
}

/// Where the simulated processes died, and how often executions handed over.
private final class Coverage: Sendable {
    private let state = Mutex<(moments: [String: Int], handOvers: Int)>(([:], 0))

    var moments: [String: Int] { state.withLock(\.moments) }
    var handOvers: Int { state.withLock(\.handOvers) }

    func add(_ deaths: [String], handOvers: Int) {
        state.withLock { state in
            for death in deaths { state.moments[death, default: 0] += 1 }
            state.handOvers += handOvers
        }
    }
}
