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
    private func with(_ body: (Workplace, PostgreSQLPlace, String, Workers) async throws -> Void) async throws {
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
                try await body(place, database, address, workers)
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
        try await with { place, database, address, _ in
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
        try await with { place, database, address, _ in
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
        "A mended spec does not wait for what the old one waits for",
        arguments: ["a query of an hour", "a time window"]
    )
    func waiting(for what: String) async throws {
        try await with { place, database, address, _ in
            var endless = spec(database, budget: "1%")
            if what == "a time window" {
                endless.more.append(ShutWindow().line)
            } else {
                endless.sql = "SELECT id, name, note, score FROM person, pg_sleep(3600) ORDER BY id"
            }
            try place.write(endless)
            let program = try place.start("run", "spec.yaml", "--engine", address, "--quiet")
            if what == "a time window" {
                try await place.untilWaiting(for: "time window: opens ", program)
            } else {
                try await place.until("the staging", program) {
                    let stats = try await place.backfill("stats", "--json")
                    return try stats.status == .exit(0) && JSONResult(stats)["queries"][0]["state"].text == "extracting"
                }
            }
            let run = try await place.newestRun()
            try place.write(spec(database, budget: "1%"))
            expectComplete(try await place.backfill("resume", run, "--spec", "spec.yaml", "--quiet"))
            #expect(try await program.wait().status == .exit(1))
            let source = try await database.digest("person")
            for table in ["log", "every"] { #expect(try await database.digest(table) == source) }
            let events = try await place.events()
            #expect(events.contains { $0.hasPrefix("stopped: its spec is taken anew, by ") }, "\(events)")
        }
    }

    @Test("A worker that stood still while a mended spec was taken adds nothing of the old one when it goes on")
    func stoodStill() async throws {
        try await with { place, database, address, workers in
            let wrong = "SELECT id, 'wrong' AS name, note, score FROM person ORDER BY id"
            var slow = spec(database, sql: wrong, budget: "1%")
            slow.more[slow.more.count - 1] = "pace: 600/s"
            try place.write(slow)
            let program = try place.start("run", "spec.yaml", "--engine", address, "--quiet")
            try await place.untilPublished(600, program)
            let run = try await place.newestRun()
            // Held there, each worker has batches in hand, and no transaction is under way.
            expectComplete(try await place.backfill("pause", run))
            _ = try await place.expectStandstill {
                try await database.sql("SELECT count(*) FROM every").first.flatMap { Int($0) } ?? -1
            }
            let still = workers.running[0]
            still.send(SIGSTOP)

            var mended = spec(database, budget: "1%")
            mended.more[mended.more.count - 1] = "pace: 100/s"
            try place.write(mended)
            let resumed = try place.start("resume", run, "--spec", "spec.yaml", "--quiet")
            try await place.until("the next pass", resumed) { try await place.progress("pass", as: Int.self) == 2 }
            #expect(try await program.wait().status == .exit(1))
            expectComplete(try await place.backfill("resume", run))
            let published = try #require(try await place.progress("published", as: Int.self))
            still.send(SIGCONT)
            // Some five seconds, in which the worker finds the run at work, and nothing that holds it back.
            try await place.untilPublished(published + 500, resumed)
            expectComplete(try await place.backfill("throttle", run, "--rate", "none"))
            expectComplete(try await resumed.wait())

            let once = "SELECT count(*) || ' ' || count(DISTINCT id) FROM"
            for table in ["log", "every"] {
                #expect(try await database.sql("\(once) \(table)") == ["\(Self.records) \(Self.records)"])
            }
            #expect(
                try await database.sql(
                    "SELECT count(*) > 0 FROM \(database.schema)._backfill_ledger WHERE next_ordinal < 0"
                )
                    == ["t"],
                "what the old query had not published is sealed"
            )
            expectComplete(try await place.backfill("verify", run))
        }
    }

    @Test(
        "No worker keeps to the old spec's limits: with a wider error budget the bad records become dead letters, and the rest arrives"
    )
    func budgetMended() async throws {
        try await with { place, database, address, _ in
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
