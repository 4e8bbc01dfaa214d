import Foundation
import TestSupport
import Testing

@Suite(
    "A run keeps to its lanes, pace, probes, window and error budget, and says what it waits for",
    .timeLimit(.minutes(10))
)
struct FlowControlTests {
    // MARK: Lanes

    @Test(
        "No two heavy queries publish at once, and the light ones end without waiting for them",
        arguments: Engine.available
    )
    func lanes(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            try await place.makeSource(records: 1_000)
            func query(_ name: String, _ lane: String, upTo last: Int) -> String {
                "  - {name: \(name), sql: \"SELECT id, name, note, score FROM person WHERE id <= \(last)\", key: id, lane: \(lane)}"
            }
            // The heavy ones come first, and have more buckets than there are executors.
            let queries =
                (1...2).map { query("heavy\($0)", "heavy", upTo: 600) }
                + (1...6).map { query("light\($0)", "light", upTo: 200) }
            try place.write(
                """
                name: people
                source: sqlite:source.sqlite
                queries:
                \(queries.joined(separator: "\n"))
                lanes: {heavy: {queries: 1, pace: \(engine == .embedded ? 200 : 60)/s}, light: 6}
                executors: 4
                buckets: 6
                batch: 50
                sinks:
                  - \(SpecFile.upsert())
                """,
                to: "spec.yaml"
            )
            expectComplete(try await place.backfill("run", "spec.yaml", "--quiet"))

            // By the executors: when the first began and the last settled its last batch.
            func span(_ query: String) async throws -> [Int] {
                try await place.values(
                    """
                    SELECT min(started_at) FROM executor_progress WHERE query = '\(query)'
                    UNION ALL SELECT max(updated_at) FROM executor_progress WHERE query = '\(query)'
                    """,
                    of: ".backfill/backfill.sqlite"
                )
            }
            let (one, other) = (try await span("heavy1"), try await span("heavy2"))
            #expect(one[1] <= other[0] || other[1] <= one[0], "\(one) \(other)")
            let lastLight: Int? = try await place.value(
                "SELECT max(finished_at) FROM query_progress WHERE lane = 'light'",
                of: ".backfill/backfill.sqlite"
            )
            let lastHeavy = max(one[1], other[1])
            #expect(try #require(lastLight) < lastHeavy)

            // And by the history: between the first and the last event of one heavy query's executors is none of the other's.
            let history = try JSONResult(try await place.backfill("history", try await place.newestRun(), "--json"))
            let events = history.elements.flatMap { $0["lines"].elements }.compactMap { $0["what"].text }
            let heavy = events.compactMap { event in ["heavy1", "heavy2"].first { event.contains("/\($0)/") } }
            #expect(Set(heavy).count == 2 && zip(heavy, heavy.dropFirst()).count { $0 != $1 } == 1, "\(events)")
            let stats = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(stats["queries"].elements.count == 8)
            #expect(stats["run"]["published"].integer == 2 * 600 + 6 * 200)
        }
    }

    // MARK: Pace

    @Test(
        "Batches that take less than their target grow, up to the most that is allowed",
        .embeddedOnly("a batch's size is no engine's business")
    )
    func adaptiveBatches() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 20_000)
            try place.write(
                SpecFile(more: ["buckets: 1", "batch: {records: 50, target: 60s, min: 10, max: 4000}"])
            )

            expectComplete(try await place.backfill("run", "spec.yaml", "--quiet"))

            // Doubling from 50 to 4,000 takes seven batches, and the rest six more or so; without growing there would be 400.
            let stats = try JSONResult(try await place.backfill("stats", "--json"))
            let batches = try #require(stats["buckets"][0]["batches"].integer)
            #expect((5...40).contains(batches), "\(batches) batches")
            #expect(try await place.count("person", of: "target.sqlite") == 20_000)
        }
    }

    @Test("Eight executors together keep the pace", arguments: Engine.available)
    func pace(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            try await place.makeSource(records: 8_000)
            try place.write(SpecFile(more: ["buckets: 8", "batch: 500", "executors: 8", "pace: 2000/s"]))
            expectComplete(try await place.backfill("run", "spec.yaml", "--quiet"))
            let milliseconds: Int? = try await place.value(
                "SELECT max(updated_at) - min(started_at) FROM executor_progress",
                of: ".backfill/backfill.sqlite"
            )
            let seconds = Double(try #require(milliseconds)) / 1_000
            // Four seconds' worth; what lies before the first batch's checkpoint is not in the span.
            #expect(seconds >= 3.6, "faster than the pace")
            // A busy machine may be slower than any pace, though not as slow as this.
            #expect(seconds < 120, "far slower than the pace")
            #expect(try await place.count("person", of: "target.sqlite") == 8_000)
        }
    }

    // MARK: Probes

    @Test(
        "While a probe on the target says no, nothing is published; when it says yes again, the run completes",
        arguments: Engine.available
    )
    func sqlProbe(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            try await place.makeSource(records: 20_000)
            try await place.execute("CREATE TABLE flag (calm); INSERT INTO flag VALUES (1)", on: "target.sqlite")
            try place.write(
                SpecFile(more: [
                    "buckets: 4", "batch: 50", "pace: 200/s",
                    "probes: [{name: calm, sql: SELECT calm FROM flag, on: target, every: 1s}]",
                ])
            )
            let program = try place.start("run", "spec.yaml", "--quiet")
            try await place.untilPublished(1, program)
            try await place.execute("UPDATE flag SET calm = 0", on: "target.sqlite")
            try await place.untilWaiting(for: "probe calm: answered \"0\"", program)
            let shown = try await place.backfill("stats")
            #expect(shown.output.contains("waiting: probe calm: answered \"0\", since "), "\(shown.output)")
            #expect(try await place.expectStandstill() < 20_000)

            try await place.execute("UPDATE flag SET calm = 'yes'", on: "target.sqlite")
            expectComplete(try await place.backfill("throttle", try await place.newestRun(), "--rate", "none"))
            expectComplete(try await program.wait())
            #expect(try await place.count("person", of: "target.sqlite") == 20_000)
            #expect(try await place.progress("waiting", as: String.self) == nil, "nothing waits any more")
            let events = try await place.events().filter { $0.hasPrefix("probe") }
            #expect(
                events == ["probe calm says yes", "probe calm says no: answered \"0\"", "probe calm says yes"],
                "\(events)"
            )
        }
    }

    @Test(
        "An HTTP probe is asked before the first record, and again until it says yes; its secrets are not told",
        .embeddedOnly("the probe on the target shows it")
    )
    func httpProbe() async throws {
        try await Workplace.with { place in
            let server = try await WebServer(answering: 503, 200)
            try await place.makeSource(records: 500)
            try place.write(
                SpecFile(more: [
                    "buckets: 2",
                    "probes: [{name: ready, http: \"http://127.0.0.1:\(server.port)/ready?token=${TOKEN}\", every: 1s, timeout: 4m}]",
                ])
            )
            expectComplete(try await place.backfill("run", "spec.yaml", environment: ["TOKEN": "s3cret"]))
            #expect(server.requests.count >= 2)
            #expect(server.requests.first?.line == "GET /ready?token=s3cret HTTP/1.1")
            #expect(
                try await place.events() == [
                    "probe ready says no: http://127.0.0.1:\(server.port)/ready?… answered 503", "probe ready says yes",
                ]
            )
            for (name, content) in try place.contents() {
                #expect(content.range(of: Data("s3cret".utf8)) == nil, "\(name)")
            }
        }
    }

    // MARK: Window

    @Test(
        "Outside its window a run waits durably, also through kill -9 and resume, and a cancel ends it within seconds",
        arguments: Engine.available
    )
    func window(engine: Engine) async throws {
        try await Workplace.with(on: engine, workers: Workplace.mortal) { place in
            try await place.makeSource(records: 500)
            let window = ShutWindow()
            try place.write(SpecFile(more: ["buckets: 2", window.line]))
            let reason = "time window: opens "
            let first = try place.start("run", "spec.yaml", "--quiet")
            try await place.untilWaiting(for: reason, first)
            let run = try await place.newestRun()
            let shown = try await place.backfill("stats")
            #expect(shown.output.contains("waiting: \(reason)"), "\(shown.output)")
            #expect(shown.output.contains("T\(window.opens):00Z"), "\(shown.output)")
            try await place.kill(first)

            let second = try place.carryOn(run, first, "--quiet")
            try await place.untilAtWork(second)
            try await place.untilWaiting(for: reason, second)
            #expect(try await place.progress("extracted", as: Int.self) == 0, "not even staged")
            let wall = ContinuousClock()
            let began = wall.now
            expectComplete(try await place.backfill("cancel", run))
            #expect(try await second.wait().status == .exit(1))
            #expect(wall.now - began < .seconds(300), "the window opens in hours")
        }
    }

    // MARK: Retries

    @Test(
        "A rule on the text of a failure decides: never, so often, or so much later; stats shows count, cause and next attempt",
        arguments: Engine.available
    )
    func rules(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            try await place.makeSource(records: Mishap.records)
            try await place.breakSecondSink()
            func spec(_ rule: String) -> SpecFile {
                var spec = Mishap.spec
                spec.more =
                    spec.more.dropLast() + ["retry: {maximum-attempts: 5, initial-interval: 10ms, rules: [\(rule)]}"]
                return spec
            }
            try place.write(spec("{cause: malformed, action: never}"))
            var end = try await place.backfill("run", "spec.yaml")
            #expect(end.status == .exit(1) && end.notes.contains("malformed"), "\(end.all)")
            #expect(try await place.progress("retries", as: Int.self) == 1, "one attempt, and no other")

            try place.write(spec("{cause: mal.*ed, action: retry, maximum-attempts: 3}"))
            end = try await place.backfill("run", "spec.yaml", "--new")
            #expect(end.status == .exit(1), "\(end.all)")
            #expect(try await place.progress("retries", as: Int.self) == 3)

            try place.write(spec("{cause: malformed, action: retry, initial-interval: 2h, maximum-interval: 3h}"))
            let program = try place.start("run", "spec.yaml", "--new", "--quiet")
            try await place.until("a failed attempt", program) {
                try await place.progress("retries", as: Int.self) == 1
            }
            let stats = try JSONResult(try await place.backfill("stats", "--json"))
            let bucket = try #require(stats["buckets"].elements.first { $0["retries"].integer == 1 })
            #expect(bucket["waiting"].text?.contains("malformed") == true)
            let next = try #require(bucket["next_attempt_at"].integer) - Int(Date().timeIntervalSince1970 * 1_000)
            // Two hours, less what jitter takes and what has passed since.
            #expect((5_000_000...7_200_000).contains(next), "\(next)")
            let shown = try await place.backfill("stats")
            #expect(shown.output.contains("; next attempt at "), "\(shown.output)")
            program.send(SIGKILL)
            _ = try await program.wait()
        }
    }

    // MARK: Error budget

    @Test(
        "A mistake in the spec stops the run at its error budget; mended, it goes on and loses nothing",
        arguments: Engine.available
    )
    func errorBudget(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            try await place.makeSource(records: 10_000)
            // Every third record has no note.
            try await place.execute(
                "CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, note TEXT NOT NULL, score REAL)",
                on: "target.sqlite"
            )
            try place.write(
                SpecFile(
                    sinks: [SpecFile.upsert(create: false)],
                    more: ["buckets: 4", "batch: 100", "error-budget: 0.1%", "tolerate: 0.1%"]
                )
            )
            let stopped = try await place.backfill("run", "spec.yaml")
            let run = try await place.newestRun()
            #expect(stopped.status == .exit(1), "\(stopped.all)")
            expectPlainWords(stopped)
            let reason = "11 of 10000 records would be dead letters, where the error budget is 0.1%"
            #expect(stopped.notes.contains("incomplete: stopped: \(reason)"), "\(stopped.notes)")
            #expect(stopped.lastNote == "next: backfill dead-letters list \(run)")
            #expect(try await place.progress("dead_letters", as: Int.self) == 10)
            #expect(try await place.count("person", of: "target.sqlite") < 1_000)
            #expect(try await place.events() == ["stopped: \(reason)"])

            // Carried on without being mended, it stops again, and no dead letter is added.
            let again = try await place.backfill("resume", run)
            #expect(again.status == .exit(1) && again.notes.contains(reason), "\(again.all)")
            #expect(try await place.progress("dead_letters", as: Int.self) == 10)

            try await place.execute(
                """
                CREATE TABLE other (id INTEGER PRIMARY KEY, name TEXT, note TEXT, score REAL);
                INSERT INTO other SELECT * FROM person; DROP TABLE person; ALTER TABLE other RENAME TO person;
                """,
                on: "target.sqlite"
            )
            expectComplete(try await place.backfill("resume", run))
            #expect(try await place.count("person", of: "target.sqlite") == 10_000 - 10)
        }
    }
}
