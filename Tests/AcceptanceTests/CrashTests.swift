import Foundation
import Testing
import TestSupport

@Suite("A run that is killed, stopped or interrupted is carried on without losing or doubling a record")
struct CrashTests {
    /// Every kind of sink at once, in batches small enough that a run has many moments to be killed in.
    private func everySink(on engine: Engine = .embedded) -> SpecFile {
        SpecFile(
            sinks: engine.sinks([
                SpecFile.upsert("upserted"), SpecFile.append("appended"), SpecFile.file("all.ndjson"),
            ]),
            more: ["buckets: 5", "batch: 40", "executors: 3"]
        )
    }

    @Test("kill -9 at twenty random moments", arguments: Engine.available, [UInt64.random(in: 0...UInt64.max)])
    func killed(engine: Engine, seed: UInt64) async throws {
        print("kill -9 with seed \(seed)")
        var generator = SplitMix64(seed: seed)
        var kills = 0
        while kills < engine.kills(of: 20) {
            try await Workplace.with(on: engine, workers: Workplace.mortal) { place in
                try await place.makeSource(records: 20_000)
                try place.write(everySink(on: engine))
                kills += try await place.runThroughKills(longest: 700, using: &generator)
                try await expectExactlyTheSource(place, "seed \(seed)")
            }
        }
    }

    @Test(
        "SIGINT and SIGTERM: exit 130, how to resume in the last line, and resume completes",
        .embeddedOnly("the command is not at work on a cluster; FleetTests has workers leave"),
        arguments: [SIGINT, SIGTERM]
    )
    func interrupted(signal: Int32) async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 60_000)
            try place.write(everySink())
            let program = try place.start("run", "spec.yaml")
            try await place.untilPublishing(program)

            program.send(signal)
            let end = try await program.wait()

            let run = try await place.newestRun()
            #expect(end.status == .exit(130), "\(end.all)")
            #expect(end.lastNote.hasSuffix("backfill resume \(run)"), "\(end.notes)")
            expectPlainWords(end)
            let stats = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(stats["standing"].text == "interrupted")
            #expect(stats["next_step"].text == "backfill resume \(run)")
            #expect(!place.exists("all.ndjson"), "a file gets its name when the run is complete")
            expectError(try await place.backfill("resume", run, "--bucket", "1"), exit: 2, "backfill resume \(run)")

            expectComplete(try await place.backfill("resume", run))
            try await expectExactlyTheSource(place, "signal \(signal)")
        }
    }

    @Test(
        "stats and list tell a run that is at work from one whose process was killed; a run at work cannot be resumed",
        .embeddedOnly("no process owns a run on a cluster")
    )
    func standing() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 60_000)
            try place.write(everySink())
            let program = try place.start("run", "spec.yaml")
            try await place.untilPublishing(program)
            // Stopped, it lives and holds what it holds, and cannot end before it was looked at.
            program.send(SIGSTOP)

            let run = try await place.newestRun()
            let stats = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(stats["standing"].text == "running")
            #expect(stats["process_id"].integer == Int(program.processID))
            let process = "process \(program.processID)"
            expectError(try await place.backfill("resume", run), exit: 2, process, "backfill stats \(run)")
            expectError(try await place.backfill("resume", run, "--dry-run"), exit: 2, process)
            let second = try await place.backfill("run", "spec.yaml")
            expectError(second, exit: 1, "all.ndjson is being written by another process")

            program.send(SIGKILL)
            _ = try await program.wait()
            let after = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(after["standing"].text == "interrupted")
            let published = try #require(after["run"]["published"].integer)
            #expect(published > 0)
            #expect(
                published <= (try await place.count("appended", of: "target.sqlite")),
                "a checkpoint never runs ahead of a sink"
            )
            expectComplete(try await place.backfill("resume", run))
            try await expectExactlyTheSource(place, "after a kill")
        }
    }

    @Test(
        "Histories that a power cut took back, or that somebody deleted: the run is carried on from its checkpoints",
        .embeddedOnly("a cluster's histories are its server's business"),
        arguments: [["-wal", "-shm"], ["", "-wal", "-shm"]]
    )
    func historiesLost(files: [String]) async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 60_000)
            try place.write(everySink())
            let program = try place.start("run", "spec.yaml")
            try await place.untilPublishing(program)
            program.send(SIGKILL)
            _ = try await program.wait()
            for file in files { try FileManager.default.removeItem(at: place.file(".backfill/engine.sqlite\(file)")) }

            let stats = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(stats["standing"].text == "interrupted")
            expectComplete(try await place.backfill("resume", try await place.newestRun()))
            try await expectExactlyTheSource(place, "without engine.sqlite\(files[0])")
        }
    }

    private func expectExactlyTheSource(
        _ place: Workplace,
        _ when: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let source = try await place.records(of: "person", in: "source.sqlite")
        for table in ["upserted", "appended"] {
            let records = try await place.records(of: table, in: "target.sqlite")
            #expect(records.count == source.count, "\(when): \(table)", sourceLocation: sourceLocation)
            let isSame = records == source
            #expect(isSame, "\(when): \(table)", sourceLocation: sourceLocation)
        }
        if place.engine == .embedded {
            let isSame = try place.objects("all.ndjson") == (try await place.sourceObjects())
            #expect(isSame, "\(when): all.ndjson", sourceLocation: sourceLocation)
        }
        let stats = try JSONResult(try await place.backfill("stats", "--json"), sourceLocation: sourceLocation)
        #expect(stats["run"]["published"].integer == source.count, "\(when)", sourceLocation: sourceLocation)
        #expect(stats["standing"].text == "complete", "\(when)", sourceLocation: sourceLocation)
    }
}

extension Workplace {
    /// Waits until a program has published its first records; asks again as soon as it is answered, at most 2,000 times.
    fileprivate func untilPublishing(_ program: RunningProgram) async throws {
        for _ in 0..<2000 {
            // Before the first run is stored there is no stats, and between two tables of the schema no list.
            let stats = try await backfill("stats", "--json")
            if stats.status == .exit(0), let published = try JSONResult(stats)["run"]["published"].integer,
                published > 0
            {
                return
            }
        }
        program.send(SIGKILL)
        Issue.record("nothing was published: \(try await program.wait().all)")
    }
}
