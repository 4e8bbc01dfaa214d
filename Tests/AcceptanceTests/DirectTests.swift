import Foundation
import TestSupport
import Testing

@Suite(
    "With `stage: direct` records go from the source to the sinks without a copy, each once, while the source changes"
)
struct DirectTests {
    private static let direct = ["stage: direct", "buckets: 5", "batch: 40", "executors: 3"]

    private func expectTheSource(_ place: Workplace, _ table: String, in database: String = "target.sqlite")
        async throws
    {
        let source = try await place.records(of: "person", in: "source.sqlite")
        let isSame = try await place.records(of: table, in: database) == source
        #expect(isSame, "\(table)")
    }

    @Test(
        "Every kind of sink has just the source; the plan names keys; nothing is staged; plan and dry run change nothing",
        .embeddedOnly("the fleet's tests stage nothing either")
    )
    func whole() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 5_000)
            try place.write(
                SpecFile(
                    sinks: [SpecFile.upsert("upserted"), SpecFile.append("appended"), SpecFile.file("all.ndjson")],
                    more: Self.direct
                )
            )
            let before = try place.contents()
            let plan = try await place.backfill("plan", "spec.yaml")
            expectComplete(plan)
            #expect(
                plan.output.contains("5,000 records in 5 buckets")
                    && plan.output.contains("1,000 records, from key 1001")
            )
            let planned = try JSONResult(try await place.backfill("plan", "spec.yaml", "--json"))
            #expect(planned["queries"][0]["buckets"][1]["keys"]["from"]["integer"].integer == 1001)
            let dryRun = try await place.backfill("run", "spec.yaml", "--dry-run")
            #expect(
                dryRun.output.contains("read query all (key id") && dryRun.output.contains("etl-QUERY-EXECUTION-1001")
            )
            #expect(try place.contents() == before)

            expectComplete(try await place.backfill("run", "spec.yaml", "--quiet"))

            for table in ["upserted", "appended"] { try await expectTheSource(place, table) }
            #expect(try place.objects("all.ndjson") == (try await place.sourceObjects()))
            #expect(try FileManager.default.contentsOfDirectory(atPath: place.file(".backfill/results").path).isEmpty)
            let stats = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(stats["run"]["published"].integer == 5_000 && stats["run"]["planned"].integer == 5_000)
            #expect(stats["buckets"][2]["first_ordinal"].integer == 3_000_000_000_001)
            #expect(
                stats["buckets"].elements.allSatisfy { $0["per_cent"].integer == 100 && $0["planned"].integer == 1_000 }
            )
        }
    }

    @Test(
        "kill -9 at random moments while rows come and go: nothing that stayed is lost, nothing is appended twice",
        .timeLimit(.minutes(10)),
        arguments: Engine.available
    )
    func killed(engine: Engine) async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("kill -9 of direct runs with seed \(seed)")
        var random = SplitMix64(seed: seed)
        // A program may end before it is killed, so there are rounds until enough were.
        var kills = engine == .embedded ? ["WAL": 0, "DELETE": 0] : ["DELETE": 0]
        while let mode = kills.filter({ $0.value < engine.kills(of: 3) }).keys.sorted().first {
            try await Workplace.with(on: engine, workers: Workplace.mortal) { place in
                try await place.execute("PRAGMA journal_mode = \(mode)", on: "source.sqlite")
                try await place.makeSource(records: 20_000)
                try place.write(
                    SpecFile(sinks: [SpecFile.append("appended"), SpecFile.upsert("upserted")], more: Self.direct)
                )
                var source = ChangingSource(records: 20_000) { try await place.execute($0, on: "source.sqlite") }
                kills[mode, default: 0] += try await place.runDirectlyThroughKills(&source, using: &random) { range in
                    try await place.execute("DELETE FROM appended WHERE \(range)", on: "target.sqlite")
                }
                for table in ["appended", "upserted"] {
                    let ids = try await place.values("SELECT id FROM \(table)", of: "target.sqlite", as: Int.self)
                    #expect(Set(ids).count == ids.count, "seed \(seed): \(table) holds a record twice")
                    #expect(
                        source.untouched.isSubset(of: ids),
                        "seed \(seed): \(table) lacks \(source.untouched.subtracting(ids).sorted().prefix(9))"
                    )
                }
            }
        }
    }

    @Test(
        "kill -9 at random moments, from a source that stays as it is: tables and a file hold just its records",
        .embeddedOnly("one process writes a file")
    )
    func killedUnchanged() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("kill -9 of direct runs of an unchanged source with seed \(seed)")
        var random = SplitMix64(seed: seed)
        try await Workplace.with { place in
            try await place.makeSource(records: 20_000)
            try place.write(
                SpecFile(
                    sinks: [SpecFile.upsert("upserted"), SpecFile.append("appended"), SpecFile.file("all.ndjson")],
                    more: Self.direct
                )
            )
            _ = try await place.runThroughKills(longest: 700, using: &random)
            for table in ["upserted", "appended"] { try await expectTheSource(place, table) }
            #expect(try place.objects("all.ndjson") == (try await place.sourceObjects()), "seed \(seed)")
            let stats = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(stats["run"]["published"].integer == 20_000, "seed \(seed)")
        }
    }

    @Test(
        "A change where a batch was broken off: what takes twice gets it again, and what has taken nothing of it gets it once",
        .embeddedOnly("the harmful change shows it")
    )
    func harmlessChange() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: Mishap.records)
            var spec = Mishap.spec
            spec.more = spec.more + ["stage: direct"]
            try place.write(spec)
            try await place.breakSecondSink()
            #expect(try await place.backfill("run", "spec.yaml", "--quiet").status == .exit(1))
            // Of the records from 501 on, the table has taken fifty, and the log none.
            #expect(try await place.count("person", of: "target.sqlite") == Mishap.records - 50)
            try await place.execute(
                "DELETE FROM person WHERE id = 510; UPDATE person SET id = 100000 WHERE id = 520; UPDATE person SET name = 'new' WHERE id = 530",
                on: "source.sqlite"
            )
            try await place.mendSecondSink()

            let end = try await place.backfill("resume", try await place.newestRun())

            expectComplete(end)
            #expect(end.output.contains("798 of 798 records published"))
            #expect(end.output.contains("planned 800 records; the source changed while it was read"))
            // The row with a new key lies behind its bucket: the last bucket had been read before.
            let ids = try await place.values("SELECT id FROM log ORDER BY id", of: "second.sqlite", as: Int.self)
            #expect(ids == (1...800).filter { $0 != 510 && $0 != 520 })
            #expect(try await place.value("SELECT name FROM person WHERE id = 530", of: "target.sqlite") == "new")
            #expect(
                try await place.count("person", of: "target.sqlite") == 800,
                "what was taken before the change stays"
            )
            let stats = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(stats["buckets"][2]["published"].integer == 198 && stats["buckets"][2]["records"].integer == 198)
            #expect(stats["buckets"].elements.allSatisfy { $0["per_cent"].integer == 100 })
        }
    }

    @Test(
        "A change where a batch was broken off, and a table that must not take it twice: said plainly, nothing doubled, and how it goes on",
        arguments: Engine.available
    )
    func harmfulChange(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            try await place.makeSource(records: Mishap.records)
            var spec = Mishap.spec
            spec.sinks[0] = SpecFile.append("person")
            spec.more = spec.more + ["stage: direct"]
            try place.write(spec)
            try await place.breakSecondSink()
            #expect(try await place.backfill("run", "spec.yaml", "--quiet").status == .exit(1))
            try await place.execute("DELETE FROM person WHERE id = 510", on: "source.sqlite")
            try await place.mendSecondSink()
            let run = try await place.newestRun()
            expectError(try await place.backfill("resume", run, "--repeat-changed"), exit: 2, "No bucket")

            let refused = try await place.backfill("resume", run, "--quiet")

            #expect(refused.status == .exit(1), "\(refused.all)")
            expectPlainWords(refused)
            #expect(refused.notes.contains("The source changed where a batch was broken off"))
            #expect(refused.notes.contains("took 50 records with keys behind 500, up to 550;"), "\(refused.notes)")
            #expect(refused.notes.contains("backfill resume \(run) --repeat-changed"))
            #expect(try await place.count("person", of: "target.sqlite") == Mishap.records - 50)

            try await place.execute("DELETE FROM person WHERE id > 500 AND id <= 550", on: "target.sqlite")
            expectComplete(try await place.backfill("resume", run, "--repeat-changed"))
            try await expectTheSource(place, "person")
            try await expectTheSource(place, "log", in: "second.sqlite")
            expectError(try await place.backfill("resume", run, "--repeat-changed"), exit: 2, "complete")
        }
    }

    @Test(
        "A bucket comes to hold more records than planned, another none: the report says both figures, and no more than 100 %",
        .embeddedOnly("figures are the run store's")
    )
    func otherCounts() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: Mishap.records)
            var spec = Mishap.spec
            spec.more = spec.more + ["stage: direct"]
            // The first bucket cannot be published, so the others wait behind it.
            spec.more = spec.more.map { $0.replacing("batch: 50", with: "batch: 5") }
            try place.write(spec)
            try await place.breakSecondSink()
            try await place.execute(
                "DROP TRIGGER fill_place; CREATE TRIGGER fill_place AFTER INSERT ON log BEGIN INSERT INTO place VALUES (NEW.id, 0, 1); END",
                on: "second.sqlite"
            )
            #expect(try await place.backfill("run", "spec.yaml", "--quiet").status == .exit(1))
            try await place.mendSecondSink()
            try await place.execute(
                """
                DELETE FROM person WHERE id > 200 AND id <= 400;
                WITH RECURSIVE n(i) AS (SELECT 801 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
                INSERT INTO person SELECT i, 'late', NULL, 0 FROM n
                """,
                on: "source.sqlite"
            )
            let end = try await place.backfill("resume", try await place.newestRun())
            expectComplete(end)
            #expect(end.output.contains("1,300 of 1,300 records published"), "\(end.output)")
            #expect(end.output.contains("planned 800 records; the source changed while it was read"))
            try await expectTheSource(place, "log", in: "second.sqlite")
            let stats = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(stats["buckets"].elements.map { $0["records"].integer } == [200, 0, 200, 900])
            #expect(stats["buckets"].elements.map { $0["planned"].integer } == [200, 200, 200, 200])
            #expect(
                stats["buckets"].elements.allSatisfy { $0["per_cent"].integer == 100 && $0["state"].text == "complete" }
            )
            #expect(stats["run"]["per_cent"].integer == 100 && stats["run"]["planned"].integer == 800)
        }
    }

    @Test("What cannot go with it is refused with what to do, and changes nothing", .embeddedOnly("no engine is asked"))
    func refusals() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 300)
            var spec = SpecFile(sinks: [SpecFile.append("appended")], more: Self.direct)
            try place.write(spec)
            let before = try place.contents()
            expectError(
                try await place.backfill("run", "spec.yaml", "--limit", "10"),
                exit: 2,
                "Take `stage: direct` out of a copy"
            )
            expectError(
                try await place.backfill("plan", "spec.yaml", "--time"),
                exit: 2,
                "foretold from staged samples"
            )
            expectError(try await place.backfill("run", "spec.yaml", "--max-duration", "1h"), exit: 2, "--max-duration")
            #expect(try place.contents().filter { !$0.key.hasPrefix(".backfill") } == before)

            // A canary with a copy, as it says.
            spec.more = Array(Self.direct.dropFirst())
            try place.write(spec)
            expectComplete(try await place.backfill("run", "spec.yaml", "--quiet", "--limit", "10"))
            spec.more = Self.direct
            try place.write(spec)
            expectError(try await place.backfill("run", "spec.yaml"), exit: 2, "say --repeat-canaries")
            expectComplete(try await place.backfill("run", "spec.yaml", "--quiet", "--repeat-canaries"))
            #expect(try await place.count("appended", of: "target.sqlite") == 310)
            expectError(try await place.backfill("verify"), exit: 2, "Compare source and target by SQL")
        }
    }

    @Test(
        "A mended spec may change limits, not the SQL of what has begun, nor the stage",
        .embeddedOnly("no engine is asked")
    )
    func mendedSpec() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: Mishap.records)
            var spec = Mishap.spec
            spec.more = spec.more + ["stage: direct"]
            try place.write(spec)
            try await place.breakSecondSink()
            #expect(try await place.backfill("run", "spec.yaml", "--quiet").status == .exit(1))
            let run = try await place.newestRun()
            try await place.mendSecondSink()
            var other = spec
            other.sql = "SELECT id, upper(name) AS name, note, score FROM person"
            try place.write(other.text, to: "other.yaml")
            expectError(
                try await place.backfill("resume", run, "--spec", "other.yaml"),
                exit: 2,
                "nothing tells which records a mended SQL"
            )
            try place.write(Mishap.spec.text, to: "other.yaml")
            expectError(try await place.backfill("resume", run, "--spec", "other.yaml"), exit: 2, "another `stage`")
            other = spec
            other.more = other.more.map { $0.replacing("batch: 50", with: "batch: 7") }
            try place.write(other.text, to: "other.yaml")
            expectComplete(try await place.backfill("resume", run, "--spec", "other.yaml"))
            try await expectTheSource(place, "log", in: "second.sqlite")
        }
    }

    @Test(
        "Dead letters are redriven as their records are at the source now, or as a person has mended them; one that is gone is named",
        .embeddedOnly("the redrive of a cluster is RedriveTests'")
    )
    func redrive() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 300)
            try await place.execute(
                """
                CREATE TABLE log (id, name, note, score);
                CREATE TRIGGER refuse BEFORE INSERT ON log WHEN NEW.name = 'bad' OR NEW.id = 250 BEGIN SELECT raise(ABORT, 'not so'); END
                """,
                on: "target.sqlite"
            )
            try await place.execute("UPDATE person SET name = 'bad' WHERE id IN (100, 150, 200)", on: "source.sqlite")
            try place.write(SpecFile(sinks: [SpecFile.append("log")], more: Self.direct + ["tolerate: 10"]))
            expectComplete(try await place.backfill("run", "spec.yaml", "--quiet"))
            let run = try await place.newestRun()
            let trace = try await place.backfill("trace", "150")
            #expect(trace.output.contains("3000000000030") && trace.output.contains("not so"), "\(trace.all)")

            expectComplete(
                try await place.backfill("dead-letters", "export", run, "--record", "250", "--to", "one.ndjson")
            )
            try place.write(try place.text("one.ndjson").replacing("\"id\":250", with: "\"id\":2500"), to: "one.ndjson")
            try await place.execute(
                "UPDATE person SET name = 'good' WHERE id IN (100, 200); DELETE FROM person WHERE id = 150",
                on: "source.sqlite"
            )
            let gone = try await place.backfill("dead-letters", "redrive", run)
            expectError(
                gone,
                exit: 2,
                "Record 150 of query all is no longer at the source",
                "discard \(run) --record 150"
            )
            expectComplete(try await place.backfill("dead-letters", "discard", run, "--record", "150"))
            expectComplete(try await place.backfill("dead-letters", "redrive", run, "--from", "one.ndjson", "--quiet"))
            expectComplete(try await place.backfill("dead-letters", "redrive", run, "--quiet"))

            let names = try await place.values(
                "SELECT name FROM log WHERE id IN (100, 200)",
                of: "target.sqlite",
                as: String.self
            )
            #expect(names == ["good", "good"])
            #expect(try await place.count("log", of: "target.sqlite") == 299)
            #expect(try await place.value("SELECT count(*) FROM log WHERE id = 2500", of: "target.sqlite") == 1)
            let stats = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(stats["run"]["dead_letters"].integer == 0 && stats["standing"].text == "complete")
        }
    }
}
