/// What a range of seeds has shown: the simulation is worth what it reaches, so what never happened is a finding too.
package struct Findings: Sendable {
    /// What a few hundred seeds reach.
    private static let usual = [
        "died before a commit of histories", "died after a commit of histories", "died before an owner is registered",
        "died after an owner is registered", "died before a write of the run store",
        "died after a write of the run store",
        "died before a commit of a table", "died after a commit of a table", "died in a file at begun",
        "died in a file at beforeWrite", "died in a file at dataWritten",
        "died in a file at dataSynced", "died in a file at ledgerMoved", "died interrupted", "died at rest",
        "failed before a commit of histories", "failed after a commit of histories",
        "failed before a write of the run store", "failed after a write of the run store",
        "failed before a commit of a table", "failed after a commit of a table", "failed in a file at dataWritten",
        "power cut", "torn line", "full disk", "hand-over", "redrive", "amendment", "cancelled", "paused", "going on",
        "throttled", "interrupted", "the clock was set forward", "the clock was set back", "the subscriber unavailable",
        "the subscriber takes and fails", "the subscriber takes and never answers", "the subscriber names one",
        "the subscriber is slow",
    ]
    /// What happens once in a file's life takes thousands of seeds to die at.
    private static let rare = [
        "died in a file at partialMade", "died in a file at markedFinishing", "died in a file at renamed",
        "died in a file at folderSynced", "died in a file at ledgerRemoved",
    ]
    /// How many seeds reach all of it.
    package static let seedsForAll = 10_000

    package private(set) var seeds = 0
    package private(set) var steps = 0
    /// What happened, and how often.
    package private(set) var events: [String: Int] = [:]
    /// Seeds that broke a promise.
    package private(set) var failures = 0

    package init() {}

    package mutating func note(_ report: Simulation.Report) {
        seeds += 1
        steps += report.steps
        events.merge(report.events, uniquingKeysWith: +)
        if !report.violations.isEmpty { failures += 1 }
    }

    /// What has to have happened to somebody, and has not.
    package var missing: [String] {
        (Self.usual + (seeds >= Self.seedsForAll ? Self.rare : [])).filter { events[$0] == nil }
    }
}

extension Simulation.Report {
    /// What broke, and the command that simulates the seed alone.
    package var failure: String? {
        guard !violations.isEmpty else { return nil }
        return """
            \(Simulation.command(of: seed))
            fails: \(scenario)
            Its lives: \(story.joined(separator: "; "))
            \(violations.prefix(5).joined(separator: "\n"))
            """
    }
}
