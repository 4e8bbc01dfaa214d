import ArgumentParser
import Foundation
import SQLConnectors
import Simulation
import Synchronization

/// What Tests/simulation.sh runs.
@main
struct Simulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Simulates runs of backfill, one a seed, with faults between any two steps.",
        discussion: "Exit status: 0 all promises were kept, 1 one was broken."
    )

    @Option(help: "The seeds, as `0-9999`.", transform: Self.range)
    var seeds: ClosedRange<UInt64> = 0...9999

    @Option(help: "Only that seed.")
    var seed: UInt64?

    @Option(help: "How many seeds are simulated at once.")
    var threads = ProcessInfo.processInfo.activeProcessorCount

    @Flag(help: "Prints how often each thing happened.")
    var events = false

    private static func range(_ text: String) throws -> ClosedRange<UInt64> {
        let bounds = text.split(separator: "-").compactMap { UInt64($0) }
        guard bounds.count == 2, bounds[0] <= bounds[1] else {
            throw ValidationError("`\(text)` is no range of seeds, such as `0-9999`.")
        }
        return bounds[0]...bounds[1]
    }

    func validate() throws {
        guard threads > 0 else { throw ValidationError("`--threads` is at least 1.") }
    }

    func run() async throws {
        SQLiteTuning.prepareProcess()
        let chosen = seed.map { $0...$0 } ?? seeds
        let shared = Shared()
        let begun = ContinuousClock.now
        try await Lanes.run(chosen, threads: threads) { report in
            shared.findings.withLock { $0.note(report) }
            if let failure = report.failure { print(failure, terminator: "\n\n") }
        }
        let findings = shared.findings.withLock { $0 }
        if events {
            for (event, times) in findings.events.sorted(by: { $0.key < $1.key }) { print("\(times)\t\(event)") }
        }
        print(Self.summary(findings, took: (ContinuousClock.now - begun) / .seconds(1)))
        // A few seeds need not reach everything.
        let missing = findings.seeds >= Findings.seedsForAll ? findings.missing : []
        for event in missing { print("it never happened: \(event)") }
        if findings.failures > 0 || !missing.isEmpty { throw ExitCode.failure }
    }

    private static func summary(_ findings: Findings, took seconds: Double) -> String {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        let processor = Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        return String(
            format: "%ld seeds, %ld steps, %ld failed: %.1f s, %.0f seeds/s, %.1f s of processor time",
            findings.seeds,
            findings.steps,
            findings.failures,
            seconds,
            Double(findings.seeds) / seconds,
            processor
        )
    }

    private final class Shared: Sendable {
        let findings = Mutex(Findings())
    }
}
