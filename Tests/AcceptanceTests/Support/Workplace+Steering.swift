import Foundation
import GRDB
import Testing

/// A run at work, looked at through the views that people may ask too.
extension Workplace {
    private static let state = ".backfill/backfill.sqlite"

    /// Asks again and again until an answer satisfies; gives up when the program has ended, or after two minutes.
    ///
    /// - Parameter what: what was waited for, should it not come.
    func until(
        _ what: String,
        _ program: RunningProgram? = nil,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ isSo: () async throws -> Bool
    ) async throws {
        let clock = ContinuousClock()
        let patience = clock.now + .seconds(120)
        while try await !isSo() {
            // A program that just ended may have made it so with its last breath.
            if clock.now > patience || program?.hasEnded == true, try await !isSo() {
                program?.send(SIGKILL)
                let end = try await program?.wait()
                Issue.record("\(what) did not come: \(end?.all ?? "")", sourceLocation: sourceLocation)
                throw CancellationError()
            }
            await Task.yield()
        }
    }

    /// A column of the newest run's progress; nil before there is one.
    func progress<Value: DatabaseValueConvertible & Sendable>(_ column: String, as _: Value.Type = Value.self)
        async throws -> Value?
    {
        guard exists(Self.state) else { return nil }
        // Between two tables of a schema that is just being made there is nothing to see yet.
        return try? await value(
            "SELECT \(column) FROM run_progress WHERE \(column) IS NOT NULL ORDER BY created_at DESC LIMIT 1",
            of: Self.state
        )
    }

    func untilPublished(
        _ records: Int,
        _ program: RunningProgram,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await until("\(records) published records", program, sourceLocation: sourceLocation) {
            try await progress("published", as: Int.self) ?? 0 >= records
        }
    }

    func untilWaiting(
        for reason: String,
        _ program: RunningProgram,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await until("waiting for \(reason)", program, sourceLocation: sourceLocation) {
            try await progress("waiting", as: String.self)?.contains(reason) == true
        }
    }

    /// Expects that nothing more comes to a table while several other programs start and end one after another, once what was in flight
    /// has arrived.
    func expectStandstill(
        of table: String = "person",
        in database: String = "target.sqlite",
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Int {
        try await expectStandstill(sourceLocation: sourceLocation) { try await count(table, of: database) }
    }

    /// The same of what is counted otherwise.
    func expectStandstill(sourceLocation: SourceLocation = #_sourceLocation, _ count: () async throws -> Int)
        async throws -> Int
    {
        var (before, now) = (-1, try await count())
        while before != now {
            _ = try await backfill("stats")
            (before, now) = (now, try await count())
        }
        for _ in 0..<3 {
            _ = try await backfill("stats")
            #expect(try await count() == now, sourceLocation: sourceLocation)
        }
        return now
    }

    /// The texts of what happened to the newest run, with who did it.
    func events() async throws -> [String] {
        let stats = try JSONResult(try await backfill("stats", "--json"))
        return stats["events"].elements.map { event in
            [event["text"].text, event["person"].text].compactMap { $0 }.joined(separator: ", by ")
        }
    }

    /// Files that hold staged results.
    func stagedResults() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: file(".backfill/results").path)
    }
}
