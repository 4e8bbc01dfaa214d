import Foundation
import TestSupport
import Testing

extension Workplace {
    /// Runs `spec.yaml`, or begins what else is asked for, kills the program with SIGKILL at random moments and carries it on, until the run
    /// is complete.
    ///
    /// - Parameters:
    ///   - beginning: what is typed first, and again while it has begun nothing.
    ///   - hasBegun: whether a run in this standing is carried on with `resume`.
    ///   - longest: milliseconds that the first program lives at most; the moment is what such a test is about: anywhere from the first
    ///     instruction to past the end of the run. Each further one may live a quarter longer, so that there is an end to it on a machine
    ///     that is so busy that a program hardly starts in that time.
    /// - Returns: how often it was killed.
    func runThroughKills(
        _ beginning: [String] = ["run", "spec.yaml", "--quiet"],
        hasBegun: (_ standing: String) -> Bool = { _ in true },
        longest: Int,
        using random: inout SplitMix64,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Int {
        if engine == .cluster {
            return try await runThroughKillsOfWorkers(beginning, hasBegun: hasBegun, longest: longest, using: &random)
        }
        var kills = 0
        var longest = longest
        var program = try BuiltProgram.start(beginning, in: folder)
        while true {
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...longest, using: &random)))
            program.send(SIGKILL)
            let end = try await program.wait()
            guard end.status == .signal(SIGKILL) else {
                #expect(end.status == .exit(0), "after \(kills) kills: \(end.all)", sourceLocation: sourceLocation)
                return kills
            }
            kills += 1
            longest += longest / 4
            // It may have been killed before it had stored any run, with the state's tables half made, or when all was done but the report.
            let list = try await backfill("list", "--json")
            let newest = list.status == .exit(0) ? try JSONResult(list)[0] : nil
            let standing = newest?["standing"].text ?? ""
            if standing == "complete" { return kills }
            program =
                if let run = newest?["run"]["run_id"].text, hasBegun(standing) {
                    try start("resume", run, "--quiet")
                } else {
                    try BuiltProgram.start(beginning, in: folder)
                }
        }
    }

    /// The same on a cluster, where workers are killed, and the command, which may not have begun the run yet.
    private func runThroughKillsOfWorkers(
        _ beginning: [String],
        hasBegun: (_ standing: String) -> Bool,
        longest: Int,
        using random: inout SplitMix64
    ) async throws -> Int {
        var kills = 0
        var longest = longest
        var program = try start(beginning)
        while kills < engine.kills(of: .max), !program.hasEnded {
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...longest, using: &random)))
            kills += 1
            longest += longest / 4
            if Int.random(in: 0..<3, using: &random) > 0 {
                try await replaceWorker(using: &random)
                continue
            }
            program.send(SIGKILL)
            _ = try await program.wait()
            // What the workers have, they bring to its end, and nobody else may have it meanwhile. Their state folder is there soon.
            var (standing, before) = ("running", "")
            while standing == "running" || standing != before {
                before = standing
                let list = try await backfill("list", "--json")
                if list.status == .exit(0) { standing = try JSONResult(list)[0]["standing"].text ?? "" }
            }
            if standing == "complete" { return kills }
            program =
                if hasBegun(standing), !standing.isEmpty {
                    try start("resume", try await newestRun(), "--quiet")
                } else {
                    try start(beginning)
                }
        }
        let end = try await program.wait()
        #expect(end.status == .exit(0), "after \(kills) kills: \(end.all)")
        return kills
    }
}
