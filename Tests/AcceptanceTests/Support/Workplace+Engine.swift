import Foundation
import Testing

/// Who works on a run: on the embedded engine the program that was started, on a cluster the workers.
extension Workplace {
    /// Options of workers that are to be killed: their death is noticed soon, and an activity is soon through.
    static let mortal = ["--worker-timeout", "2", "--batches-per-activity", "5"]

    /// Kills who works on a run with SIGKILL.
    func kill(_ program: RunningProgram) async throws {
        switch engine {
        case .embedded:
            program.send(SIGKILL)
            _ = try await program.wait()
        case .cluster: try await workers.stop(SIGKILL)
        }
    }

    /// Tells who works on a run to leave, and waits until it has.
    ///
    /// - Returns: how a program ended, or a worker.
    @discardableResult
    func leave(
        _ program: RunningProgram,
        _ signal: Int32 = SIGINT,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> ProgramEnd {
        switch engine {
        case .embedded:
            program.send(signal)
            let end = try await program.wait()
            #expect(end.status == .exit(130), "\(end.all)", sourceLocation: sourceLocation)
            return end
        case .cluster:
            let end = try #require(try await workers.stop(signal).first, sourceLocation: sourceLocation)
            #expect(end.status == .exit(0), "\(end.all)", sourceLocation: sourceLocation)
            return end
        }
    }

    /// Has a run carried on whose worker is gone.
    ///
    /// - Parameters:
    ///   - program: what watched it.
    ///   - more: behind `resume RUN`, where it takes that.
    /// - Returns: what watches it now.
    func carryOn(_ run: String, _ program: RunningProgram, _ more: String...) throws -> RunningProgram {
        guard let address = engine.address else { return try start(["resume", run] + more) }
        try workers.start(engine: address)
        return program
    }

    /// Waits until a program that carries a run on is at work on it. On a cluster nobody can tell.
    func untilAtWork(_ program: RunningProgram, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        guard engine == .embedded else { return }
        try await until("a second process at work", program, sourceLocation: sourceLocation) {
            let stats = try JSONResult(try await backfill("stats", "--json"))
            return stats["process_id"].integer == Int(program.processID)
        }
    }

    /// Kills a worker and starts another one in its place.
    func replaceWorker(using random: inout some RandomNumberGenerator) async throws {
        let address = try #require(engine.address)
        try await workers.kill(Int.random(in: 0..<workers.running.count, using: &random))
        try workers.start(engine: address)
    }

    /// The greatest number of events that one of the executions under some workflow ids holds.
    func longestHistory(of workflows: [String], sourceLocation: SourceLocation = #_sourceLocation) async throws -> Int {
        var longest = 0
        for workflow in workflows {
            let histories = try JSONResult(try await backfill("history", workflow, "--json"))
            let events = histories.elements.flatMap { $0["lines"].elements }.compactMap { $0["event"].integer }
            longest = max(longest, try #require(events.max(), sourceLocation: sourceLocation))
        }
        return longest
    }
}
