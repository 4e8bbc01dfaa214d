import Foundation
import Testing

@Suite("What a target has lost since it was written is not passed off as published", .timeLimit(.minutes(10)))
struct LostTargetTests {
    @Test(
        "A database that is gone, or an older copy of it: resume names the sink, and with the newest one put back completes it",
        arguments: Engine.available
    )
    func database(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            try await place.makeSource(records: Mishap.records)
            try place.write(Mishap.spec)
            try await place.breakSecondSink()
            let broken = try Data(contentsOf: place.file("second.sqlite"))
            let failed = try await place.backfill("run", "spec.yaml")
            #expect(failed.status == .exit(1), "\(failed.all)")
            try await place.mendSecondSink()
            let run = try await place.newestRun()
            let newest = try Data(contentsOf: place.file("second.sqlite"))

            for older in [nil, broken] {
                try? FileManager.default.removeItem(at: place.file("second.sqlite"))
                try older?.write(to: place.file("second.sqlite"))
                for arguments in [["resume", run], ["resume", run, "--dry-run"]] {
                    let end = try await BuiltProgram.start(arguments, in: place.folder).wait()
                    expectError(end, exit: 2, "table log has lost", "query all, bucket", "--new")
                }
            }

            try newest.write(to: place.file("second.sqlite"))
            expectComplete(try await place.backfill("resume", run))
            let source = try await place.records(of: "person", in: "source.sqlite")
            #expect(try await place.records(of: "log", in: "second.sqlite") == source)
        }
    }

    @Test(
        "An unfinished file without its ledger: resume names both, and put back completes it",
        .embeddedOnly("one process writes a file")
    )
    func ledger() async throws {
        try await Workplace.with { place in
            var spec = Mishap.spec
            spec.sinks[0] = SpecFile.file("all.ndjson")
            let run = try await place.failARun(spec)
            let aside = place.file("aside.ledger")
            try FileManager.default.moveItem(at: place.file("all.ndjson.ledger"), to: aside)

            let end = try await place.backfill("resume", run)

            expectError(end, exit: 2, "all.ndjson.partial", "all.ndjson.ledger", "--new")
            try FileManager.default.moveItem(at: aside, to: place.file("all.ndjson.ledger"))
            expectComplete(try await place.backfill("resume", run))
            #expect(try place.objects("all.ndjson") == (try await place.sourceObjects()))
        }
    }

    @Test("Refused records at the end of a batch, redriven or not, are no loss", arguments: Engine.available)
    func refused(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            try await place.makeSource(records: Mishap.records)
            var spec = Mishap.spec
            // The last record of a batch, and of a bucket that is complete.
            spec.sinks[0] = SpecFile.append("refusing")
            try place.write(spec)
            try await place.execute(
                "CREATE TABLE refusing (id INTEGER CHECK (id NOT IN (50, 200)), name TEXT, note TEXT, score REAL)",
                on: "target.sqlite"
            )
            try await place.breakSecondSink()
            let failed = try await place.backfill("run", "spec.yaml")
            #expect(failed.status == .exit(1), "\(failed.all)")
            let run = try await place.newestRun()
            let again = try await place.backfill("resume", run)
            #expect(again.status == .exit(1) && !again.notes.contains("has lost"), "\(again.all)")
            try await place.execute(
                """
                ALTER TABLE refusing RENAME TO old; CREATE TABLE refusing (id INTEGER, name TEXT, note TEXT, score REAL);
                INSERT INTO refusing SELECT * FROM old; DROP TABLE old
                """,
                on: "target.sqlite"
            )
            let redriven = try await place.backfill("dead-letters", "redrive", run)
            #expect(redriven.status == .exit(1), "bucket \(Mishap.bucket) has failed: \(redriven.all)")
            try await place.mendSecondSink()

            expectComplete(try await place.backfill("resume", run))

            let source = try await place.records(of: "person", in: "source.sqlite")
            #expect(try await place.records(of: "refusing", in: "target.sqlite") == source)
        }
    }
}
