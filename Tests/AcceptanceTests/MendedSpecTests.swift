import Foundation
import Testing

@Suite("An error budget stops a run early, and a mended spec carries it on", .timeLimit(.minutes(10)))
struct MendedSpecTests {
    private static let records = 20_000
    /// 0.1 % of the records.
    private static let budget = 20
    private static let wrong = "SELECT id, name, note, CASE WHEN id % 2 THEN score END AS score FROM person ORDER BY id"

    @Test(
        "A wrong column trips the budget at its number of dead letters; with the SQL mended the rest goes on, each record once in each sink",
        arguments: Engine.available
    )
    func mended(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            let run = try await tripped(in: place)

            // One sink had taken whole batches of which the other has taken a part.
            try place.write(spec())
            let end = try await place.backfill("resume", run, "--spec", "spec.yaml", "--quiet")

            expectComplete(end)
            for (table, database) in [("log", "target.sqlite"), ("person", "other.sqlite")] {
                #expect(try await place.count(table, of: database) == Self.records, "\(table)")
                #expect(
                    try await place.value("SELECT count(DISTINCT id) FROM \(table)", of: database) == Self.records,
                    "\(table)"
                )
            }
            #expect(try await place.records(of: "log", in: "target.sqlite") == place.sourceRecords())
            let stats = try JSONResult(try await place.backfill("stats", run, "--json"))
            #expect(stats["run"]["records"].integer == Self.records)
            #expect(stats["run"]["published"].integer == Self.records)
            #expect(stats["events"].elements.contains { $0["text"].text?.contains("spec taken anew") == true })
            expectComplete(try await place.backfill("verify", run))
        }
    }

    @Test(
        "After the target is mended, redrive and resume bring everything, and nothing twice",
        arguments: Engine.available
    )
    func targetMended(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            let run = try await tripped(in: place)
            try await place.execute(
                "CREATE TABLE log2 (id INTEGER, name TEXT, note TEXT, score REAL); INSERT INTO log2 SELECT * FROM log; DROP TABLE log; ALTER TABLE log2 RENAME TO log",
                on: "target.sqlite"
            )

            _ = try await place.backfill("dead-letters", "redrive", run, "--quiet")
            let resumed = try await place.backfill("resume", run, "--quiet")
            // Dead letters of batches that were in flight are settled only now.
            if resumed.status != .exit(0) {
                expectComplete(try await place.backfill("dead-letters", "redrive", run, "--quiet"))
            }

            #expect(try await place.count("log", of: "target.sqlite") == Self.records)
            #expect(try await place.value("SELECT count(DISTINCT id) FROM log", of: "target.sqlite") == Self.records)
            #expect(try await place.count("person", of: "other.sqlite") == Self.records)
            expectComplete(try await place.backfill("verify", run))
        }
    }

    @Test(
        "Another backfill's spec is refused, and so is one for a run that is complete",
        .embeddedOnly("no engine is asked")
    )
    func otherSpec() async throws {
        try await Workplace.with { place in
            let run = try await tripped(in: place)
            var other = spec()
            other.sinks = [SpecFile.append("elsewhere")]
            try place.write(other)
            expectError(
                try await place.backfill("resume", run, "--spec", "spec.yaml"),
                exit: 2,
                "is not that of run \(run)"
            )
            try place.write(spec())
            expectComplete(try await place.backfill("resume", run, "--spec", "spec.yaml", "--quiet"))
            expectError(try await place.backfill("resume", run, "--spec", "spec.yaml"), exit: 2, "is complete")
        }
    }

    @Test(
        "Without a budget of its own a run stops at 1 % of its records, and a few bad ones stop nothing",
        arguments: Engine.available
    )
    func standardBudget(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            try await makePlace(place)
            try place.write(spec(sql: Self.wrong, budget: nil))

            let end = try await place.backfill("run", "spec.yaml", "--quiet")

            #expect(end.status == .exit(1), "\(end.all)")
            #expect(end.notes.contains("error budget is 1%"), "\(end.all)")
            let letters = try await place.count("dead_letter", of: ".backfill/backfill.sqlite")
            #expect(letters <= Self.records / 100 && letters > 100)
        }
    }

    @Test(
        "A run that was killed takes a mended spec too, and publishes nothing more with the old one",
        .embeddedOnly("FleetMendedTests stops a run at work for it")
    )
    func afterKill() async throws {
        try await Workplace.with { place in
            try await makePlace(place)
            let wrong = spec(sql: "SELECT id, name, note, 0 AS score FROM person ORDER BY id", budget: nil)
            try place.write(wrong.text.replacing("buckets: 4", with: "buckets: 4\npace: 200/s"), to: "spec.yaml")
            let program = try place.start("run", "spec.yaml", "--quiet")
            try await place.untilPublished(200, program)
            program.send(SIGKILL)
            _ = try await program.wait()
            let run = try await place.newestRun()
            let before = try await place.count("log", of: "target.sqlite")

            try place.write(spec())
            expectComplete(try await place.backfill("resume", run, "--spec", "spec.yaml", "--quiet"))

            for (table, database) in [("log", "target.sqlite"), ("person", "other.sqlite")] {
                #expect(try await place.value("SELECT count(DISTINCT id) FROM \(table)", of: database) == Self.records)
                #expect(try await place.count(table, of: database) == Self.records, "\(table)")
            }
            // What was in flight at the kill may have been committed after it was counted.
            let old = try await place.value(
                "SELECT count(*) FROM log WHERE score = 0",
                of: "target.sqlite",
                as: Int.self
            )
            #expect(try #require(old) <= before + 4 * 500)
        }
    }

    @Test(
        "A run that was killed outside its time window takes a spec with another one, and does not wait for its own",
        .embeddedOnly("FleetMendedTests stops a run that waits for it")
    )
    func outsideWindow() async throws {
        try await Workplace.with { place in
            try await makePlace(place)
            try place.write(spec().text + "\n" + ShutWindow().line, to: "spec.yaml")
            let program = try place.start("run", "spec.yaml", "--quiet")
            try await place.untilWaiting(for: "time window: opens ", program)
            program.send(SIGKILL)
            _ = try await program.wait()

            try place.write(spec())
            let run = try await place.newestRun()
            expectComplete(try await place.backfill("resume", run, "--spec", "spec.yaml", "--quiet"))
            #expect(try await place.count("log", of: "target.sqlite") == Self.records)
        }
    }

    @Test(
        "Another key, or one that repeats, cannot tell what was published: both are refused, and nothing comes twice",
        arguments: Engine.available
    )
    func keys(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            let run = try await tripped(in: place)
            let rows = try await place.count("log", of: "target.sqlite")
            try place.write(spec().text.replacing("key: id", with: "key: name"), to: "spec.yaml")
            expectError(
                try await place.backfill("resume", run, "--spec", "spec.yaml"),
                exit: 2,
                "The key of query all is another one"
            )
            try place.write(spec(sql: "SELECT id / 2 AS id, name, note, score FROM person ORDER BY id"))
            let end = try await place.backfill("resume", run, "--spec", "spec.yaml", "--quiet")
            #expect(end.status == .exit(1) && end.notes.contains("occurs more than once"), "\(end.all)")
            #expect(try await place.count("log", of: "target.sqlite") == rows)
        }
    }

    // MARK: The run before

    private func spec(
        sql: String = "SELECT id, name, note, score FROM person ORDER BY id",
        budget: String? = "0.1%"
    ) -> SpecFile {
        SpecFile(
            sql: sql,
            sinks: [SpecFile.append("log"), SpecFile.append("person", in: "other.sqlite")],
            more: ["buckets: 4", "batch: 500"] + (budget.map { ["error-budget: \($0)"] } ?? [])
        )
    }

    private func makePlace(_ place: Workplace) async throws {
        try await place.makeSource(records: Self.records)
        try await place.execute(
            "CREATE TABLE log (id INTEGER, name TEXT, note TEXT, score REAL NOT NULL)",
            on: "target.sqlite"
        )
        try await place.execute(
            "CREATE TABLE person (id INTEGER, name TEXT, note TEXT, score REAL)",
            on: "other.sqlite"
        )
    }

    /// Every second record is refused by one of two tables, so the budget trips.
    private func tripped(in place: Workplace) async throws -> String {
        try await makePlace(place)
        try place.write(spec(sql: Self.wrong))
        let end = try await place.backfill("run", "spec.yaml", "--quiet")
        let run = try await place.newestRun()
        #expect(end.status == .exit(1), "\(end.all)")
        #expect(end.notes.contains("error budget is 0.1%"), "\(end.all)")
        #expect(end.lastNote == "next: backfill dead-letters list \(run)")
        let letters = try await place.count("dead_letter", of: ".backfill/backfill.sqlite")
        #expect(letters == Self.budget, "as many as are tolerated, and not one more")
        // Without another spec it trips again at the next bad record.
        let again = try await place.backfill("resume", run, "--quiet")
        #expect(again.status == .exit(1), "\(again.all)")
        #expect(try await place.count("dead_letter", of: ".backfill/backfill.sqlite") == Self.budget)
        return run
    }
}
