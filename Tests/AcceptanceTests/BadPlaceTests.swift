import Foundation
import GRDB
import Testing

@Suite("A source, a target or a state folder that cannot be used is named, and nothing is half-written")
struct BadPlaceTests {
    @Test("A source that is missing, a folder, or not a database")
    func wrongSource() async throws {
        try await Workplace.with { place in
            try place.write(SpecFile())
            expectError(try await place.backfill("run", "spec.yaml"), exit: 2, "source.sqlite does not exist")
            #expect(try place.contents().keys.sorted() == ["spec.yaml"])

            try FileManager.default.createDirectory(at: place.file("source.sqlite"), withIntermediateDirectories: false)
            expectError(try await place.backfill("run", "spec.yaml"), exit: 2, "source.sqlite is a folder")
            try FileManager.default.removeItem(at: place.file("source.sqlite"))

            try place.write(String(repeating: "this is no database\n", count: 200), to: "source.sqlite")
            let before = try place.contents()
            expectError(try await place.backfill("run", "spec.yaml"), exit: 2, "source.sqlite is not a SQLite database")
            #expect(try place.contents() == before)
        }
    }

    @Test("A source that another program has locked")
    func lockedSource() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 10)
            try place.write(SpecFile())
            let before = try place.contents()
            var configuration = Configuration()
            configuration.allowsUnsafeTransactions = true
            let other = try DatabaseQueue(path: place.file("source.sqlite").path, configuration: configuration)
            try await other.writeWithoutTransaction { db in try db.execute(sql: "BEGIN EXCLUSIVE") }

            let end = try await place.backfill("run", "spec.yaml")

            try await other.writeWithoutTransaction { db in try db.execute(sql: "ROLLBACK") }
            try other.close()
            expectError(end, exit: 1, "source.sqlite is locked by another program")
            #expect(try place.contents() == before)
            expectComplete(try await place.backfill("run", "spec.yaml"))
        }
    }

    @Test("A NULL key deep in the rows: the query, the column and the record; nothing is published")
    func nullKey() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 100_000)
            try place.write(SpecFile(sql: "SELECT nullif(id, 87654) AS id, name FROM person ORDER BY person.id"))

            let end = try await place.backfill("run", "spec.yaml")

            #expect(end.status == .exit(1), "\(end.all)")
            #expect(end.notes.contains("query all: the key column id is NULL in record 87654"))
            expectPlainWords(end)
            #expect(try await place.count("person", of: "target.sqlite") == 0)
            #expect(try FileManager.default.contentsOfDirectory(atPath: place.file(".backfill/results").path).isEmpty)
            #expect(end.lastNote.hasPrefix("next: backfill "), "\(end.lastNote)")
            expectError(try await place.backfill("plan", "spec.yaml"), exit: 2, "record 87654")
        }
    }

    @Test("A state folder from a newer version is left as it is", arguments: ["backfill.sqlite", "engine.sqlite"])
    func newerState(file: String) async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 10)
            try place.write(SpecFile())
            expectComplete(try await place.backfill("run", "spec.yaml"))
            let run = try await place.newestRun()
            try await place.execute(
                "INSERT INTO grdb_migrations VALUES ('999 from the future')",
                on: ".backfill/\(file)"
            )
            let before = try await place.everythingKept()

            for arguments in [["run", "spec.yaml"], ["resume", run], ["stats"], ["list"], ["history", run]] {
                let end = try await BuiltProgram.start(arguments, in: place.folder).wait()
                // What the engine's file says is not looked at where the run store answers alone.
                expectError(end, exit: file == "engine.sqlite" ? 1 : 2, "newer version", file)
            }

            #expect(try await place.everythingKept() == before)
        }
    }

    @Test("A state folder that is a file, or that holds no database")
    func wrongState() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 10)
            try place.write(SpecFile())
            try place.write("in the way", to: "state")
            expectError(try await place.backfill("run", "spec.yaml", "--state", "state"), exit: 2, "state")
            try FileManager.default.createDirectory(at: place.file(".backfill"), withIntermediateDirectories: false)
            try place.write(String(repeating: "this is no database\n", count: 200), to: ".backfill/backfill.sqlite")
            expectError(try await place.backfill("run", "spec.yaml"), exit: 2, "backfill.sqlite")
            expectError(try await place.backfill("stats"), exit: 2, "backfill.sqlite")
            #expect(!place.exists("target.sqlite"))
        }
    }

    @Test("A target whose table does not fit")
    func wrongTable() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 10)
            try place.write(SpecFile())
            try await place.execute("CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT)", on: "target.sqlite")
            let before = try place.contents()
            expectError(try await place.backfill("run", "spec.yaml"), exit: 2, "person", "lacks note, score")
            #expect(try place.contents() == before)

            try place.write(SpecFile(sinks: ["table: {database: \"sqlite:target.sqlite\", name: nope, mode: append}"]))
            expectError(try await place.backfill("run", "spec.yaml"), exit: 2, "nope does not exist", "create: true")
        }
    }

    @Test("A file that is there already is not overwritten, and a folder that is missing is named")
    func wrongFile() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 10)
            try place.write(SpecFile(sinks: [SpecFile.file("out.ndjson")]))
            try place.write("precious\n", to: "out.ndjson")
            let before = try place.contents()
            expectError(try await place.backfill("run", "spec.yaml"), exit: 2, "out.ndjson is there already")
            #expect(try place.contents() == before)

            try place.write(SpecFile(sinks: [SpecFile.file("nowhere/out.ndjson")]))
            expectError(try await place.backfill("run", "spec.yaml"), exit: 2, "nowhere", "mkdir -p")
        }
    }

    @Test("Two runs of the same spec at once: one works, the other is refused with what to type")
    func twoAtOnce() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 20_000)
            try place.write(SpecFile(sinks: [SpecFile.append("person")], more: ["buckets: 4", "batch: 50"]))

            let programs = try [place.start("run", "spec.yaml"), place.start("run", "spec.yaml")]
            let ends = try await [programs[0].wait(), programs[1].wait()]

            let refused = try #require(ends.first { $0.status != .exit(0) }, "both went: \(ends.map(\.all))")
            let run = try await place.newestRun()
            expectError(refused, exit: 2, run)
            expectComplete(try #require(ends.first { $0.status == .exit(0) }))
            let source = try await place.records(of: "person", in: "source.sqlite")
            #expect(try await place.records(of: "person", in: "target.sqlite") == source)
        }
    }

    @Test("An unknown and a complete run are not resumed")
    func resumeOfNothing() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 10)
            try place.write(SpecFile())
            expectComplete(try await place.backfill("run", "spec.yaml"))
            let run = try await place.newestRun()
            let before = try await place.everythingKept()

            expectError(
                try await place.backfill("resume", "people-nope"),
                exit: 2,
                "no run people-nope",
                "backfill list"
            )
            expectError(try await place.backfill("resume", run), exit: 2, "is complete", "backfill stats \(run)")
            expectError(try await place.backfill("resume", run, "--dry-run"), exit: 2, "is complete")
            expectError(try await place.backfill("stats", "people-nope"), exit: 2, "no run people-nope")

            #expect(try await place.everythingKept() == before)
        }
    }

    @Test(
        "A staged result that was damaged or deleted is named with what to do, and put back the run goes on",
        arguments: [true, false]
    )
    func stagedResult(isDeleted: Bool) async throws {
        try await Workplace.with { place in
            let run = try await place.failARun()
            let results = try FileManager.default.contentsOfDirectory(atPath: place.file(".backfill/results").path)
            let name = try #require(results.first { $0.hasSuffix(".sqlite") })
            let staged = place.file(".backfill/results/\(name)")
            let whole = try Data(contentsOf: staged)
            if isDeleted {
                try FileManager.default.removeItem(at: staged)
            } else {
                var damaged = whole
                damaged[damaged.count / 2] ^= 0xff
                try damaged.write(to: staged)
            }
            let before = try await place.everythingKept()

            for arguments in [
                ["resume", run], ["resume", run, "--dry-run"], ["resume", run, "--bucket", "\(Mishap.bucket)"],
            ] {
                let end = try await BuiltProgram.start(arguments, in: place.folder).wait()
                expectError(end, exit: 1, name, "--new")
            }

            #expect(try await place.count("log", of: "second.sqlite") == before["second.sqlite log"]?.count)
            try whole.write(to: staged)
            expectComplete(try await place.backfill("resume", run))
            let source = try await place.records(of: "person", in: "source.sqlite")
            #expect(try await place.records(of: "log", in: "second.sqlite") == source)
        }
    }
}
