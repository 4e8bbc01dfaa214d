import Foundation
import TestSupport
import Testing

@Suite("Dead letters are published again once, mended or as they are, or let go", .timeLimit(.minutes(10)))
struct RedriveTests {
    private static let records = 2_000
    /// Every hundredth record is refused: its score, an eighth of its id, is divisible by 12.5.
    private static let refused = 20

    @Test(
        "After the target is mended every dead letter arrives, once, and leaves the list; the run is complete",
        arguments: Engine.available
    )
    func redrive(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            let run = try await runWithDeadLetters(in: place)
            try await mendTarget(in: place)

            expectComplete(try await place.backfill("dead-letters", "redrive", run, "--quiet"))

            #expect(try await place.records(of: "log", in: "target.sqlite") == place.sourceRecords())
            #expect(try await place.records(of: "person", in: "other.sqlite") == place.sourceRecords())
            let letters = try JSONResult(try await place.backfill("dead-letters", "list", "--json"))
            #expect(letters.elements.isEmpty)
            let stats = try JSONResult(try await place.backfill("stats", run, "--json"))
            #expect(stats["standing"].text == "complete")
            #expect(stats["run"]["published"].integer == Self.records && stats["run"]["dead_lettered"].integer == 0)
            #expect(stats["run"]["records"].integer == Self.records)
            let again = try await place.backfill("dead-letters", "redrive", run)
            expectError(again, exit: 2, "no such dead letters")
        }
    }

    @Test(
        "What is refused again stays, with its new error and one more attempt; filters choose",
        arguments: Engine.available
    )
    func refusedAgain(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            let run = try await runWithDeadLetters(in: place)
            try await place.execute("DROP TRIGGER refuse", on: "target.sqlite")
            try await place.execute(
                """
                CREATE TRIGGER refuse BEFORE INSERT ON log WHEN NEW.id = 300 BEGIN SELECT raise(ABORT, 'still not'); END
                """,
                on: "target.sqlite"
            )

            let one = try await place.backfill("dead-letters", "redrive", run, "--record", "100", "--quiet")
            #expect(one.status == .exit(1), "\(one.all)")
            #expect(try await place.count("log", of: "target.sqlite") == Self.records - Self.refused + 1)
            let rest = try await place.backfill("dead-letters", "redrive", run, "--error", "NOT TODAY", "--quiet")
            #expect(rest.status == .exit(1), "\(rest.all)")

            let letters = try JSONResult(try await place.backfill("dead-letters", "list", run, "--json"))
            #expect(letters.elements.map { $0["record_id"].text } == ["300"])
            #expect(letters[0]["error"].text?.contains("still not") == true)
            #expect(letters[0]["attempts"].integer == 2)
            #expect(try await place.count("log", of: "target.sqlite") == Self.records - 1)
            #expect(try await place.count("person", of: "other.sqlite") == Self.records)
        }
    }

    @Test(
        "An exported file that a person mended is published as mended; what nobody touched keeps its exact value",
        arguments: Engine.available
    )
    func mended(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            let run = try await runWithDeadLetters(in: place)
            let export = try await place.backfill(
                "dead-letters",
                "export",
                run,
                "--record",
                "100",
                "--to",
                "letters.ndjson"
            )
            #expect(export.status == .exit(0), "\(export.all)")
            let text = try place.text("letters.ndjson")
            #expect(text.split(separator: "\n").count == 1)
            try place.write(text.replacing("\"score\":12.5", with: "\"score\":13"), to: "letters.ndjson")

            let end = try await place.backfill("dead-letters", "redrive", run, "--from", "letters.ndjson", "--quiet")

            #expect(end.status == .exit(1), "the others are left: \(end.all)")
            let row = "SELECT quote(name) || quote(note) || score FROM"
            #expect(
                try await place.value("\(row) log WHERE id = 100", of: "target.sqlite", as: String.self)
                    == place.value(
                        "SELECT quote(name) || quote(note) || '13.0' FROM person WHERE id = 100",
                        of: "source.sqlite"
                    )
            )
            expectComplete(try await place.backfill("verify", run, "--own-keys"))
            // The line is spent.
            let again = try await place.backfill("dead-letters", "redrive", run, "--from", "letters.ndjson")
            expectError(again, exit: 2, "no open dead letter")
            try place.write("{\"query_id\": 1}\n", to: "bad.ndjson")
            expectError(
                try await place.backfill("dead-letters", "redrive", run, "--from", "bad.ndjson"),
                exit: 2,
                "bad.ndjson:1"
            )
            try place.write(text.replacing("\"score\"", with: "\"scare\""), to: "bad.ndjson")
            expectError(
                try await place.backfill("dead-letters", "redrive", run, "--from", "bad.ndjson"),
                exit: 2,
                "no open dead letter"
            )
        }
    }

    @Test(
        "Discarded dead letters count no more, are kept with who let them go, and a resume completes the run",
        arguments: Engine.available
    )
    func discard(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            let run = try await runWithDeadLetters(in: place)

            expectError(try await place.backfill("dead-letters", "discard", run), exit: 2, "Say which")
            let dry = try await place.backfill("dead-letters", "discard", run, "--all", "--dry-run")
            #expect(dry.output.contains("\(Self.refused) dead letters") && dry.status == .exit(0))
            #expect(try await place.backfill("dead-letters", "discard", run, "--all").status == .exit(0))

            expectComplete(try await place.backfill("resume", run, "--quiet"))
            let gone = try JSONResult(try await place.backfill("dead-letters", "list", run, "--discarded", "--json"))
            #expect(gone.elements.count == Self.refused)
            #expect(gone[0]["discarded_by"].text?.isEmpty == false)
        }
    }

    @Test("A redrive that is killed at any moment and resumed brings every record once", arguments: Engine.available)
    func killed(engine: Engine) async throws {
        var random = SplitMix64(seed: 11)
        try await Workplace.with(on: engine, workers: Workplace.mortal) { place in
            let run = try await runWithDeadLetters(in: place)
            try await mendTarget(in: place)
            // Between two redrives the run is incomplete, and only within one it is cut off.
            _ = try await place.runThroughKills(
                ["dead-letters", "redrive", run, "--quiet"],
                hasBegun: { $0 == "interrupted" },
                longest: 60,
                using: &random
            )
            #expect(try await place.records(of: "log", in: "target.sqlite") == place.sourceRecords())
            #expect(try await place.records(of: "person", in: "other.sqlite") == place.sourceRecords())
            #expect(try JSONResult(try await place.backfill("dead-letters", "list", run, "--json")).elements.isEmpty)
        }
    }

    @Test(
        "A second redrive beside one whose buckets failed takes none of its records, and the resume brings each once",
        arguments: Engine.available
    )
    func twice(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            let run = try await runWithDeadLetters(in: place, more: [SpecFile.fewAttempts])
            // The index that a trigger fills is damaged, which is no record's fault.
            try await place.execute(
                """
                CREATE VIRTUAL TABLE place USING rtree (id, least, most); INSERT INTO place VALUES (1, 0, 1);
                UPDATE place_node SET data = CAST(x'FFFF' || substr(data, 3) AS BLOB); DROP TRIGGER refuse;
                CREATE TRIGGER fill AFTER INSERT ON log BEGIN INSERT INTO place VALUES (NEW.id, 0, 1); END
                """,
                on: "target.sqlite"
            )
            let first = try await place.backfill("dead-letters", "redrive", run, "--quiet")
            #expect(first.status == .exit(1) && first.notes.contains("failed"), "\(first.all)")
            try await place.execute("DROP TRIGGER fill", on: "target.sqlite")

            expectError(
                try await place.backfill("dead-letters", "redrive", run),
                exit: 2,
                "are being published again already"
            )
            expectComplete(try await place.backfill("resume", run, "--quiet"))

            #expect(try await place.records(of: "log", in: "target.sqlite") == place.sourceRecords())
        }
    }

    // MARK: The run before

    /// A run of which one of two tables has refused every hundredth record; the other has taken all. No unique key would tell a repetition.
    private func runWithDeadLetters(in place: Workplace, more: [String] = []) async throws -> String {
        try await place.makeSource(records: Self.records)
        try await place.execute(
            """
            CREATE TABLE log (id INTEGER, name TEXT, note TEXT, score REAL);
            CREATE TRIGGER refuse BEFORE INSERT ON log WHEN NEW.id % 100 = 0 AND NEW.score = NEW.id / 8.0
            BEGIN SELECT raise(ABORT, 'not today'); END
            """,
            on: "target.sqlite"
        )
        try await place.execute(
            "CREATE TABLE person (id INTEGER, name TEXT, note TEXT, score REAL)",
            on: "other.sqlite"
        )
        try place.write(
            SpecFile(
                sinks: [SpecFile.append("log"), SpecFile.append("person", in: "other.sqlite")],
                more: ["buckets: 4", "batch: 100"] + more
            )
        )
        let end = try await place.backfill("run", "spec.yaml", "--quiet")
        #expect(end.status == .exit(1), "\(end.all)")
        return try await place.newestRun()
    }

    private func mendTarget(in place: Workplace) async throws {
        try await place.execute("DROP TRIGGER refuse", on: "target.sqlite")
    }
}

extension Workplace {
    /// Every record of the source as one text.
    func sourceRecords() async throws -> [String] { try await records(of: "person", in: "source.sqlite") }
}
