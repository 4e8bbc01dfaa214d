import Foundation
import SimulatedSystem
import TestSupport
import WorkflowEngine
import Workflows

import BackfillKit

/// Simulates one seed: a scenario, processes that work on it one after the other, and what befalls them.
package struct Simulation {
    /// What one seed has shown.
    package struct Report: Sendable {
        package var seed: UInt64 = 0
        package var scenario = ""
        /// What did not hold, in words.
        package var violations: [String] = []
        /// What happened, and how often: deaths and failures by their moments, deeds of people and of the subscriber.
        package var events: [String: Int] = [:]
        package var story: [String] = []
        /// Sums up all decisions of the machine.
        package var trace: UInt64 = 0
        package var steps = 0

        mutating func count(_ event: String, _ times: Int = 1) {
            if times > 0 { events[event, default: 0] += times }
        }
    }

    /// Not beside a sanitizer, whose runtime needs the real system.
    package static var isPossible: Bool { simulated_system_works() != 0 }

    /// After so many lives a run has to be through.
    private static let mostLives = 16

    private let world: World
    private let machine: MachineReference
    private var report: Report
    private var livesWithFaults: Int
    private var lives = 0
    /// Something failed since the run was last carried on from the beginning of a pass, and buckets may have failed for it.
    private var isDisturbed = false

    /// What simulates a seed alone.
    static func command(of seed: UInt64) -> String { "Tests/simulation.sh --seed \(seed)" }

    /// Runs a seed on the calling thread, which is the machine's only one.
    package static func run(_ seed: UInt64) -> Report {
        let result = ReportBox()
        let (machine, end) = Machine.run(seed: seed, crashNote: "\(command(of: seed)) crashes:\n") { machine in
            result.report = await simulate(seed, on: machine)
            machine.finish()
        }
        var report = result.report
        switch end {
        case .done: break
        case .stuck: report.violations.append("nothing is left to do, and yet the run has not come to its end")
        case .endless: report.violations.append("there is no end in sight after \(machine.steps) steps")
        }
        report.seed = seed
        report.trace = machine.trace
        report.steps = machine.steps
        return report
    }

    /// Sendable though the compiler cannot see it: a simulation is run on one thread.
    private final class ReportBox: @unchecked Sendable {
        var report = Report()
    }

    private static func simulate(_ seed: UInt64, on machine: MachineReference) async -> Report {
        var report = Report()
        do {
            var random = SplitMix64(seed: seed)
            let scenario = Scenario(seed: seed, random: &random)
            report.scenario = "\(scenario)"
            let world = try World(scenario, random: random)
            machine.disk.trust(world.folder)
            var simulation = Simulation(world: world, machine: machine, report: report)
            do {
                try await simulation.run()
            } catch {
                simulation.report.violations.append("\(error)")
            }
            report = simulation.report
            try world.remove()
        } catch {
            report.violations.append("\(error)")
        }
        return report
    }

    private init(world: World, machine: MachineReference, report: Report) {
        (self.world, self.machine, self.report) = (world, machine, report)
        livesWithFaults = [0, 1, 1, 1, 2, 2, 3].randomElement(using: &world.random) ?? 1
    }

    private func draw(_ bound: UInt64) -> UInt64 { world.random.next() % bound }

    // MARK: Lives

    private mutating func run() async throws {
        while report.violations.isEmpty {
            lives += 1
            guard lives <= Self.mostLives else {
                report.violations.append("after \(lives) lives the run is not through")
                break
            }
            let inspection = try await live()
            switch inspection.state {
            case .cancelled:
                report.count("cancelled")
            case .complete:
                guard world.scenario.mending == .redrive, inspection.letters.contains(where: { $0.discardedAt == nil })
                else { break }
                if !world.isTargetMended {
                    try world.mendTarget()
                    machine.disk.trust(world.folder)
                    livesWithFaults = lives + Int(draw(3))
                }
                continue
            case .running, .incomplete, nil: continue
            }
            report.count("hand-over", inspection.handOvers)
            report.count("redrive", world.redrives)
            report.count("amendment", world.amendments)
            for (deed, times) in world.witness?.deeds ?? [:] { report.count("the subscriber \(deed)", times) }
            break
        }
    }

    /// One process, from its beginning to its end, and what it leaves behind.
    private mutating func live() async throws -> Inspection {
        let hasFaults = lives <= livesWithFaults
        let reach: [UInt64] = [4, 25, 60, 120, 250]
        let isMortal = hasFaults && draw(4) > 0
        let check = try LiveCheck(world, machine.disk)
        let fate = Fate(
            moments: isMortal ? Int(1 + draw(reach[Int(draw(5))])) : nil,
            failing: hasFaults && draw(3) == 0 ? 12 + draw(40) : 0,
            seed: draw(.max),
            disk: machine.disk,
            look: { check.look($0) }
        )
        let slowness = hasFaults && draw(4) == 0 ? 1 + draw(5) : 0
        machine.slow(slowness)
        let person = Person(
            world: world,
            machine: machine,
            fate: fate,
            isBusy: hasFaults && draw(2) == 0,
            isSlow: slowness > 0
        )
        let process = SimulatedProcess(
            world: world,
            fate: fate,
            check: check,
            person: { await person.meddle($0, $1, $2) }
        )
        let end = try await process.live()
        let diedAt = fate.diedAt
        fate.end()
        // Whatever of it is still under way comes to nothing.
        machine.slow(0)
        try await Task.sleep(for: .seconds(60))
        check.close()
        try world.closeStore()
        let timesFull = machine.disk.timesFull
        machine.disk.revive()
        isDisturbed = isDisturbed || !fate.failures.isEmpty || timesFull > 0
        for (moment, times) in fate.failures { report.count("failed \(moment)", times) }
        for deed in person.deeds { report.count(deed) }
        if timesFull > 0 { report.count("full disk") }
        report.violations += check.violations + person.violations

        switch end {
        case .died:
            report.count("died \(diedAt ?? "interrupted")")
            report.story.append(diedAt ?? "interrupted")
            leaveBehind(diedAt != nil)
        case .gaveUp(let error):
            report.story.append("gave up: \(error)")
            report.count("gave up")
            if !isDisturbed { report.violations.append("a life without faults gave up: \(error)") }
        case .reported(let state, let error):
            report.story.append("\(state)\(error.map { " (\($0))" } ?? "")")
            let mayFail = isDisturbed || person.deeds.contains("interrupted") || world.scenario.mending == .amendment
            if state == .incomplete, !mayFail {
                report.violations.append("a life without faults ended as incomplete: \(error ?? "")")
            }
            isDisturbed = false
        }
        try world.openStore()
        let inspection = try await Inspection.inspect(world)
        if case .reported(let state, _) = end, state != inspection.state {
            report.violations.append(
                "reported as \(state), and stored as \(inspection.state.map { "\($0)" } ?? "nothing")"
            )
        }
        report.violations += inspection.violations
        return inspection
    }

    /// What a death leaves on the disk: what a power cut leaves, or a line that was half written, or just what was there.
    private mutating func leaveBehind(_ isSudden: Bool) {
        guard isSudden else { return }
        switch draw(4) {
        case 0, 1:
            report.count("power cut")
            report.story.append("power cut")
            machine.disk.cutPower(in: world.folder, using: &world.random)
        case 2:
            report.count("torn line")
            tearTail()
        default: break
        }
    }

    /// Leaves bytes behind a file's committed length, as a process does that dies while it writes lines.
    private func tearTail() {
        let partial = FileTarget(file: world.file, format: .ndjson).partial
        guard let handle = try? FileHandle(forWritingTo: partial) else { return }
        _ = try? handle.seekToEnd()
        try? handle.write(contentsOf: Data(#"{"id":1,"name":"torn"#.utf8))
        try? handle.close()
    }
}
