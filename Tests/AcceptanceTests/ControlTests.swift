import Foundation
import TestSupport
import Testing

@Suite("A run at work is paused, throttled, resumed and cancelled from another process", .timeLimit(.minutes(10)))
struct ControlTests {
    private static let records = 5_000
    /// Slow enough that a run lasts as long as a test needs it, until the pace is taken off.
    private static let slow = ["buckets: 4", "batch: 50", "executors: 4", "pace: 20/s"]

    private func prepare(_ place: Workplace, _ more: String..., sinks: [String] = [SpecFile.upsert()]) async throws {
        try await place.makeSource(records: Self.records)
        try place.write(SpecFile(sinks: sinks, more: Self.slow + more))
    }

    private func expectExactlyTheSource(_ place: Workplace, sourceLocation: SourceLocation = #_sourceLocation)
        async throws
    {
        let isSame =
            try await place.records(of: "person", in: "target.sqlite")
            == (try await place.records(of: "person", in: "source.sqlite"))
        #expect(isSame, sourceLocation: sourceLocation)
    }

    @Test(
        "A pause holds at once, survives kill -9 and resume, and a second resume lets the run go on",
        arguments: Engine.available
    )
    func pause(engine: Engine) async throws {
        try await Workplace.with(on: engine, workers: Workplace.mortal) { place in
            try await prepare(place)
            let first = try place.start("run", "spec.yaml")
            try await place.untilPublished(1, first)
            let run = try await place.newestRun()

            let paused = try await place.backfill("pause", run)
            expectComplete(paused)
            #expect(paused.output == "run \(run): paused (told \(engine.owner(of: first)))\n")
            try await place.untilWaiting(for: "paused by ", first)
            let count = try await place.expectStandstill()
            #expect(count < Self.records)
            var stats = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(stats["standing"].text == "running")
            #expect(stats["next_step"].text == "backfill resume \(run)")
            let person = try #require(stats["run"]["paused_by"].text)
            #expect(person.hasPrefix("\(NSUserName())@"))
            let shown = try await place.backfill("stats")
            #expect(shown.output.contains("waiting: paused by \(person), since "), "\(shown.output)")

            try await place.kill(first)
            let dead = try await place.backfill("stats")
            let since = engine == .embedded ? "at" : "since"
            #expect(dead.output.contains("paused by \(person), \(since) "), "\(dead.output)")

            let second = try place.carryOn(run, first)
            try await place.untilAtWork(second)
            #expect(try await place.expectStandstill() >= count)
            stats = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(stats["run"]["paused_by"].text == person)

            expectComplete(try await place.backfill("throttle", run, "--rate", "none"))
            let going = try await place.backfill("resume", run)
            expectComplete(going)
            #expect(going.output == "run \(run): going on (told \(engine.owner(of: second)))\n")
            let end = try await second.wait()
            expectComplete(end)
            if engine == .embedded { #expect(end.notes.contains("still paused, by \(person)"), "\(end.notes)") }
            try await expectExactlyTheSource(place)

            let history = try await place.backfill("history", run)
            for command in ["paused", "throttled to no limit of records/s", "going on"] {
                #expect(history.output.contains("(\(command), by \(person))"), "\(history.output)")
            }
            #expect(
                try await place.events() == [
                    "paused, by \(person)", "throttled to no limit of records/s, by \(person)",
                    "going on, by \(person)",
                ]
            )
        }
    }

    @Test("A throttle holds from the next batch on, survives a restart, and is taken back", arguments: Engine.available)
    func throttle(engine: Engine) async throws {
        try await Workplace.with(on: engine, workers: Workplace.mortal) { place in
            try await prepare(place)
            let first = try place.start("run", "spec.yaml")
            try await place.untilPublished(1, first)
            let run = try await place.newestRun()
            let asked = ["--rate", "1/h", "--concurrency", "3", "--batch", "7"]
            let throttled = try await BuiltProgram.start(["throttle", run] + asked, in: place.folder).wait()
            expectComplete(throttled)
            let rate = 1.0 / 3600
            #expect(
                throttled.output.hasPrefix(
                    "run \(run): throttled to \(rate) records/s, concurrency 3, batch 7 (told \(engine.owner(of: first)))"
                ),
                "\(throttled.output)"
            )
            try await place.untilWaiting(for: "pace of \(rate) records/s", first)
            let shown = try await place.backfill("stats")
            #expect(shown.output.contains("waiting: pace of \(rate) records/s, since "), "\(shown.output)")
            _ = try await place.expectStandstill()
            try await place.kill(first)

            // It holds for whoever comes next too, until it is taken back.
            let second = try place.carryOn(run, first)
            try await place.untilAtWork(second)
            if engine == .cluster {
                // What the first worker waited for is still written there; the second one has its own first records to publish.
                try await place.until("a second worker at work", second) {
                    try await place.count("run_worker", of: ".backfill/backfill.sqlite") > 1
                }
            }
            try await place.untilWaiting(for: "pace of \(rate) records/s", second)
            _ = try await place.expectStandstill()
            expectComplete(try await place.backfill("throttle", run, "--reset", "--rate", "none"))
            expectComplete(try await second.wait())
            try await expectExactlyTheSource(place)
        }
    }

    @Test(
        "A cancel settles what is in flight, runs the hooks of the end, and removes what was staged and half written",
        arguments: Engine.available
    )
    func cancel(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            try await place.execute("CREATE TABLE calls (what)", on: "calls.sqlite")
            try await prepare(
                place,
                "after: {sql: INSERT INTO calls VALUES ('after'), on: sqlite:calls.sqlite}",
                "on-success: {sql: INSERT INTO calls VALUES ('success'), on: sqlite:calls.sqlite}",
                "on-failure: {sql: INSERT INTO calls VALUES ('failure'), on: sqlite:calls.sqlite}",
                sinks: engine.sinks([SpecFile.upsert(), SpecFile.file("all.ndjson")])
            )
            let program = try place.start("run", "spec.yaml")
            try await place.untilPublished(1, program)
            let run = try await place.newestRun()
            #expect(try place.stagedResults().count == 1)

            let cancelled = try await place.backfill("cancel", run)
            expectComplete(cancelled)
            #expect(cancelled.output.hasPrefix("run \(run) is cancelled: "), "\(cancelled.output)")
            let end = try await program.wait()
            #expect(end.status == .exit(1), "what was asked of `run` is not done: \(end.all)")
            #expect(end.lastNote.hasPrefix("cancelled by \(NSUserName())@"), "\(end.notes)")
            expectPlainWords(end)

            #expect(try place.stagedResults().isEmpty)
            #expect(try place.contents().keys.filter { $0.contains("all.ndjson") }.isEmpty, "and nothing of the file")
            let calls: [String] = try await place.values("SELECT what FROM calls", of: "calls.sqlite")
            #expect(calls == ["after", "failure"])
            let stats = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(stats["standing"].text == "cancelled")
            #expect(stats["run"]["published"].integer == (try await place.count("person", of: "target.sqlite")))
            let refused = "Run \(run) was cancelled"
            expectError(try await place.backfill("resume", run), exit: 2, refused)
            expectError(
                try await place.backfill("pause", run),
                exit: 2,
                "Run \(run) is cancelled: there is nothing left"
            )
            expectError(try await place.backfill("cancel", run), exit: 2, "is cancelled")
            // Nothing is in the way of a new one.
            try place.write(SpecFile())
            expectComplete(try await place.backfill("run", "spec.yaml"))
        }
    }

    @Test(
        "Commands to a run that nobody works on hold when it is resumed; a cancel ends it there and then",
        .embeddedOnly("a command to a run on a cluster waits there for a worker")
    )
    func nobodyAtWork() async throws {
        try await Workplace.with { place in
            try await prepare(place, sinks: [SpecFile.upsert(), SpecFile.file("all.ndjson")])
            let program = try place.start("run", "spec.yaml")
            try await place.untilPublished(1, program)
            let run = try await place.newestRun()
            program.send(SIGKILL)
            _ = try await program.wait()

            let paused = try await place.backfill("pause", run)
            expectComplete(paused)
            #expect(
                paused.output == "run \(run): paused, from when it is resumed; nobody is at work on it now\n",
                "\(paused.output)"
            )
            #expect(paused.lastNote == "next: backfill resume \(run)")
            let second = try place.start("resume", run)
            try await place.untilWaiting(for: "paused by ", second)
            second.send(SIGKILL)
            _ = try await second.wait()

            let cancelled = try await place.backfill("cancel", run, "--quiet")
            expectComplete(cancelled)
            #expect(cancelled.output.hasPrefix("run \(run) is cancelled: "), "\(cancelled.output)")
            #expect(try place.stagedResults().isEmpty)
            #expect(try place.contents().keys.filter { $0.contains("all.ndjson") }.isEmpty)
        }
    }

    @Test(
        "A run that failed is cancelled without staging or publishing anything again, even when its results are gone",
        arguments: Engine.available
    )
    func cancelFailed(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            let run = try await place.failARun()
            for name in try place.stagedResults() {
                try FileManager.default.removeItem(at: place.file(".backfill/results/\(name)"))
            }
            let before = try await place.count("log", of: "second.sqlite")

            let cancelled = try await place.backfill("cancel", run, "--quiet")

            expectComplete(cancelled)
            #expect(cancelled.output.hasPrefix("run \(run) is cancelled: "), "\(cancelled.output)")
            #expect(try await place.count("log", of: "second.sqlite") == before)
            #expect(try place.stagedResults().isEmpty)
        }
    }

    @Test("Ctrl-C leaves a paused run within seconds", arguments: Engine.available)
    func interruptedWhilePaused(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            try await prepare(place)
            let program = try place.start("run", "spec.yaml")
            try await place.untilPublished(1, program)
            let run = try await place.newestRun()
            expectComplete(try await place.backfill("pause", run))
            _ = try await place.expectStandstill()

            let clock = ContinuousClock()
            let began = clock.now
            let end = try await place.leave(program)

            // What is in flight has ten seconds; who only waits is not in flight.
            #expect(clock.now - began < .seconds(9))
            if engine == .embedded { #expect(end.lastNote.hasSuffix("backfill resume \(run)"), "\(end.notes)") }
            let stats = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(stats["run"]["retries"].integer == 0, "a wait that is cut short is no failure")
        }
    }

    @Test(
        "Wrong values, unknown and ended runs are refused with advice; a dry run changes nothing",
        .embeddedOnly("no engine is asked")
    )
    func refusals() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 100)
            try place.write(SpecFile())
            expectError(try await place.backfill("pause", "people-x"), exit: 2, "There are no runs in ")
            expectComplete(try await place.backfill("run", "spec.yaml"))
            let run = try await place.newestRun()
            for command in ["pause", "cancel"] {
                expectError(
                    try await place.backfill(command, run),
                    exit: 2,
                    "Run \(run) is complete: there is nothing left to steer. See it with: backfill stats \(run)"
                )
                expectError(
                    try await place.backfill(command, "people-x"),
                    exit: 2,
                    "There is no run people-x in this state. See which there are with: backfill list"
                )
            }
            let wrong = [
                ([], "Say what to change: --rate, --bytes, --concurrency, --batch or --reset."),
                (
                    ["--rate", "fast"],
                    "--rate: \"fast\" is not a rate of records. Write a whole number and a time, such as"
                ),
                (["--rate", "0/s"], "--rate: \"0/s\" is not a rate of records"),
                (["--bytes", "10MiB"], "--bytes: \"10MiB\" is not a rate of bytes. Write a byte size and a time"),
                (
                    ["--concurrency", "0"],
                    "--concurrency takes a number from 1 to 500; to stop publishing use `backfill pause`."
                ),
                (["--batch", "1000001"], "--batch takes a number from 1 to 1000000."),
            ]
            for (arguments, text) in wrong {
                let end = try await BuiltProgram.start(["throttle", run] + arguments, in: place.folder).wait()
                expectError(end, exit: 2, text)
            }
        }
    }

    @Test("A dry run of every command says what would be sent, and changes nothing", arguments: Engine.available)
    func dryRun(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            let run = try await place.failARun()
            let before = try await place.everythingKept()
            let commands = [
                (["pause", run], "would send to run \(run): paused; nothing was changed\n"),
                (["cancel", run], "would send to run \(run): cancelled; nothing was changed\n"),
                (
                    ["throttle", run, "--rate", "5/s", "--bytes", "none"],
                    "would send to run \(run): throttled to 5 records/s, no limit of bytes/s; nothing was changed\n"
                ),
            ]
            for (arguments, text) in commands {
                let end = try await BuiltProgram.start(arguments + ["--dry-run"], in: place.folder).wait()
                expectComplete(end)
                #expect(end.output == text)
            }
            #expect(try await place.everythingKept() == before)
        }
    }
}
