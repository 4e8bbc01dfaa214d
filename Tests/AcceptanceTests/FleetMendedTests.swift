import Foundation
import TestSupport
import Testing

@Suite(
    "On a Temporal cluster a mended spec carries a run on, by the workers that were at work on the old one",
    .enabled(if: TestTemporal.isThere && TestPostgreSQL.isThere),
    .serialized,
    .timeLimit(.minutes(5))
)
struct FleetMendedTests {
    private static let records = 12_000
    private static let right = "SELECT id, name, note, score FROM person ORDER BY id"

    private func spec(_ database: PostgreSQLPlace, sql: String = right, budget: String) -> SpecFile {
        SpecFile(
            sql: sql,
            source: database.connection,
            sinks: [database.table("log", "append", create: false), database.table("every", "append")],
            more: ["buckets: 6", "batch: 100", "executors: 6", "error-budget: \(budget)", "pace: 6000/s"]
        )
    }

    /// Calls with a source, targets of which one refuses records without a score, and three workers.
    private func with(_ body: (Workplace, PostgreSQLPlace, String) async throws -> Void) async throws {
        let address = try #require(TestTemporal.address)
        try await PostgreSQLPlace.with { database in
            try await Workplace.with { place in
                try await database.makeSource(records: Self.records)
                try await database.sql(
                    "CREATE TABLE log (id int, name text, note text, score double precision NOT NULL)"
                )
                let workers = Workers(in: place.folder, options: Workplace.mortal)
                defer { for worker in workers.running { worker.send(SIGKILL) } }
                for _ in 0..<3 { try workers.start(engine: address) }
                try await body(place, database, address)
                _ = try await workers.stop()
            }
        }
    }

    private func stopped(_ place: Workplace, _ address: String) async throws -> String {
        let end = try await place.backfill("run", "spec.yaml", "--engine", address, "--quiet")
        #expect(end.status == .exit(1), "\(end.all)")
        #expect(end.notes.contains("error budget is"), "\(end.all)")
        return try await place.newestRun()
    }

    @Test("Wrong SQL stops the run at its error budget; with the SQL mended each record is in each table once")
    func sqlMended() async throws {
        try await with { place, database, address in
            let wrong = "SELECT id, name, note, CASE WHEN id % 2 = 0 THEN score END AS score FROM person ORDER BY id"
            try place.write(spec(database, sql: wrong, budget: "1%"))
            let run = try await stopped(place, address)

            try place.write(spec(database, budget: "1%"))
            expectComplete(try await place.backfill("resume", run, "--spec", "spec.yaml", "--quiet"))

            let source = try await database.digest("person")
            #expect(try await database.digest("log") == source)
            let once = "SELECT count(*) || ' ' || count(DISTINCT id) FROM every"
            #expect(try await database.sql(once) == ["\(Self.records) \(Self.records)"])
            let stats = try JSONResult(try await place.backfill("stats", run, "--json"))
            #expect(stats["run"]["published"].integer == Self.records && stats["standing"].text == "complete")
            #expect(stats["events"].elements.contains { $0["text"].text?.contains("spec taken anew") == true })
            expectComplete(try await place.backfill("verify", run))
        }
    }

    @Test("A run that is at work is stopped for a mended spec, and carried on with it; not for another backfill's")
    func mendedAtWork() async throws {
        try await with { place, database, address in
            var slow = spec(database, budget: "1%")
            slow.more[slow.more.count - 1] = "pace: 100/s"
            try place.write(slow)
            let program = try place.start("run", "spec.yaml", "--engine", address, "--quiet")
            try await place.untilPublished(1, program)
            let run = try await place.newestRun()

            var other = slow
            other.sinks.removeLast()
            try place.write(other)
            expectError(try await place.backfill("resume", run, "--spec", "spec.yaml"), exit: 2, "its sinks are")
            let going = try JSONResult(try await place.backfill("stats", run, "--json"))
            #expect(going["standing"].text == "running")

            try place.write(spec(database, budget: "1%"))
            expectComplete(try await place.backfill("resume", run, "--spec", "spec.yaml", "--quiet"))
            #expect(try await program.wait().status == .exit(1))
            let source = try await database.digest("person")
            for table in ["log", "every"] { #expect(try await database.digest(table) == source) }
            let stats = try JSONResult(try await place.backfill("stats", run, "--json"))
            #expect(stats["run"]["pass"].integer == 2 && stats["run"]["published"].integer == Self.records)
        }
    }

    @Test(
        "No worker keeps to the old spec's limits: with a wider error budget the bad records become dead letters, and the rest arrives"
    )
    func budgetMended() async throws {
        try await with { place, database, address in
            let bad = "SELECT id, name, note, CASE WHEN id % 10 > 0 THEN score END AS score FROM person ORDER BY id"
            try place.write(spec(database, sql: bad, budget: "1%"))
            let run = try await stopped(place, address)

            try place.write(spec(database, sql: bad, budget: "20%"))
            let end = try await place.backfill("resume", run, "--spec", "spec.yaml", "--quiet")

            // Dead letters are more than the spec tolerates, but nothing else is missing.
            #expect(end.status == .exit(1) && !end.notes.contains("error budget is"), "\(end.all)")
            let stats = try JSONResult(try await place.backfill("stats", run, "--json"))
            #expect(stats["run"]["dead_lettered"].integer == Self.records / 10, "\(end.all)")
            let arrived = "SELECT count(*) || ' ' || count(DISTINCT id) FROM"
            let rest = Self.records - Self.records / 10
            #expect(try await database.sql("\(arrived) log") == ["\(rest) \(rest)"])
            #expect(try await database.sql("\(arrived) every") == ["\(Self.records) \(Self.records)"])
        }
    }
}
