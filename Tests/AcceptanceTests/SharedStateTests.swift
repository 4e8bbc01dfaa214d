import Foundation
import TestSupport
import Testing

@Suite(
    "Workers that share a cluster and a PostgreSQL database, and no folder, do every record of a run exactly once",
    .enabled(if: TestTemporal.isThere && TestPostgreSQL.isThere),
    .serialized,
    .timeLimit(.minutes(10))
)
struct SharedStateTests {
    private static let records = 20_000
    private static let patience = "retry: {initial-interval: 20ms, maximum-interval: 500ms, maximum-attempts: 100000}"

    /// Machines, each a folder of its own, and what they share.
    private struct Machines {
        let root: URL
        let database: PostgreSQLPlace
        /// Where the state lies, as `BACKFILL_STATE` says it.
        let state: String
        let schema: String
        let workers: [Workers]
        let address: String

        var environment: [String: String] { ["BACKFILL_STATE": state, "BACKFILL_ENGINE": address] }

        /// Runs a command on a machine that has no worker.
        func start(_ arguments: String...) throws -> RunningProgram {
            try BuiltProgram.start(arguments, in: root, environment: environment)
        }

        func backfill(_ arguments: String..., in folder: String = "elsewhere") async throws -> ProgramEnd {
            let place = root.appending(path: folder)
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            return try await BuiltProgram.start(arguments, in: place, environment: environment).wait()
        }

        /// A figure of the only run.
        func progress(_ column: String) async throws -> Int {
            guard try await database.sql("SELECT to_regclass('\(schema).run_progress')") != ["∅"] else { return 0 }
            return try await database.sql("SELECT \(column) FROM \(schema).run_progress").first.flatMap { Int($0) } ?? 0
        }

        func untilPublished(_ records: Int, _ program: RunningProgram) async throws {
            while try await progress("published") < records {
                guard program.hasEnded else { continue }
                // It may have published the last of them since the figure was read.
                try #require(
                    try await progress("published") >= records,
                    "it ended before \(records) records were published"
                )
            }
        }

        func write(_ spec: SpecFile) throws {
            try Data(spec.text.utf8).write(to: root.appending(path: "spec.yaml"))
        }
    }

    /// Calls with three machines whose workers are at work, and a source and empty targets in PostgreSQL.
    private func with(
        server: String? = nil,
        _ body: (Machines) async throws -> Void
    ) async throws {
        let address = try #require(TestTemporal.address)
        let url = try #require(server ?? TestPostgreSQL.url)
        let root = try ScratchFolder()
        try await PostgreSQLPlace.with(server: url) { database in
            try await database.makeSource(records: Self.records)
            let schema = database.schema + "_state"
            let workers = ["one", "two", "three"].map {
                Workers(in: root.url.appending(path: $0), options: Workplace.mortal)
            }
            let machines = Machines(
                root: root.url,
                database: database,
                state: "\(url)?schema=\(schema)",
                schema: schema,
                workers: workers,
                address: address
            )
            for worker in workers {
                try FileManager.default.createDirectory(at: worker.folder, withIntermediateDirectories: true)
                try await worker.have(machines.environment, engine: address)
                try worker.start(engine: address)
            }
            let end: Result<Void, any Error>
            do { end = .success(try await body(machines)) } catch { end = .failure(error) }
            for worker in workers { try? await worker.end() }
            try await database.sql("DROP SCHEMA \(schema) CASCADE")
            try end.get()
        }
    }

    private func spec(_ database: PostgreSQLPlace, more: [String] = []) -> SpecFile {
        SpecFile(
            source: database.connection,
            sinks: [database.table("upserted", "upsert"), database.table("appended", "append")],
            more: ["buckets: 6", "batch: 100", "executors: 6", Self.patience] + more
        )
    }

    private func expectExactlyTheSource(
        _ machines: Machines,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let source = try await machines.database.digest("person")
        for table in ["upserted", "appended"] {
            #expect(try await machines.database.digest(table) == source, "\(table)", sourceLocation: sourceLocation)
        }
        let stats = try JSONResult(try await machines.backfill("stats", "--json"))
        #expect(stats["run"]["published"].integer == Self.records, sourceLocation: sourceLocation)
        #expect(stats["standing"].text == "complete", sourceLocation: sourceLocation)
    }

    @Test("Workers on three machines are killed with kill -9 again and again", arguments: ["postgres", "direct"])
    func killed(stage: String) async throws {
        try await with { machines in
            try machines.write(spec(machines.database, more: ["pace: 3000/s", "stage: \(stage)"]))
            let program = try machines.start("run", "spec.yaml", "--quiet")
            for kill in 1...4 {
                try await machines.untilPublished(kill * Self.records / 6, program)
                let victim = machines.workers[Int.random(in: 0..<3)]
                try await victim.kill(0)
                try victim.start(engine: machines.address)
            }
            expectComplete(try await program.wait())
            try await expectExactlyTheSource(machines)
            let shared = try await machines.database.sql(
                "SELECT count(DISTINCT worker_id) >= 3 FROM \(machines.schema).run_worker"
            )
            #expect(shared == ["t"])
            let run = try #require(
                try JSONResult(try await machines.backfill("list", "--json"))[0]["run"]["run_id"].text
            )
            let history = try await machines.backfill("history", run)
            #expect(history.output.contains("WorkflowExecutionCompleted"), "\(history.all)")
        }
    }

    @Test("The server that holds source, targets and state is restarted in mid-run: it carries on by itself")
    func databaseRestarted() async throws {
        let folder = try ScratchFolder()
        try await OwnPostgreSQL.with(folder) { url, restart in
            try await with(server: url) { machines in
                try machines.write(spec(machines.database, more: ["pace: 3000/s"]))
                let program = try machines.start("run", "spec.yaml", "--quiet")
                for (count, how) in ["fast", "immediate"].enumerated() {
                    try await machines.untilPublished((count + 1) * Self.records / 4, program)
                    try await restart(how)
                }
                expectComplete(try await program.wait())
                try await expectExactlyTheSource(machines)
            }
        }
    }

    @Test(
        "Dead letters, redrive, trace, verify and repair, canary and mended spec from a machine that never had the result"
    )
    func everyVerb() async throws {
        try await with { machines in
            let database = machines.database
            // A tenth of the records is refused until the target is mended.
            try await database.sql(
                """
                CREATE TABLE upserted (id int PRIMARY KEY, name text, note text, score double precision NOT NULL CHECK (id % 10 > 0));
                CREATE TABLE appended (id int, name text, note text, score double precision)
                """
            )
            let open = SpecFile(
                source: database.connection,
                sinks: [database.table("upserted", "upsert"), database.table("appended", "append")],
                more: ["buckets: 3", "batch: 500", "tolerate: 100%", "stage: postgres"]
            )
            try machines.write(open)
            try Data("11\n12\n20".utf8).write(to: machines.root.appending(path: "keys"))
            let canary = try await machines.start("run", "spec.yaml", "--only-keys", "keys", "--quiet").wait()
            expectComplete(canary)
            #expect(try await database.sql("SELECT count(*) FROM appended") == ["3"])

            // The canary's records are left out; its result is fetched to tell them apart.
            let run = try await machines.start("run", "spec.yaml", "--quiet").wait()
            expectComplete(run)
            #expect(
                try await database.sql("SELECT count(*), count(DISTINCT id) FROM appended")
                    == ["\(Self.records)|\(Self.records)"]
            )
            let traced = try await machines.backfill("trace", "30", "--payload", "--json")
            let record = try JSONResult(traced)
            #expect(record[0]["dead_letters"].elements.count == 1, "\(traced.all)")
            #expect(record[0]["record"]["payload"].text?.contains("Zoë") == true, "\(traced.all)")

            try await database.sql("ALTER TABLE upserted DROP CONSTRAINT upserted_id_check")
            let redriven = try await machines.backfill("dead-letters", "redrive", "--quiet", in: "a")
            expectComplete(redriven)
            #expect(try await database.sql("SELECT count(*) FROM upserted WHERE id % 10 = 0 AND id <> 20") == ["1999"])

            try await database.sql(
                "DELETE FROM upserted WHERE id IN (31, 4711); UPDATE upserted SET name = 'x' WHERE id = 77"
            )
            let wrong = try await machines.backfill("verify", "--own-keys", in: "b")
            #expect(wrong.status == .exit(1), "\(wrong.all)")
            expectComplete(try await machines.backfill("verify", "--own-keys", "--repair", "--quiet", in: "c"))
            #expect(
                try await database.sql("SELECT count(*) FROM upserted u JOIN person p USING (id, name, score)")
                    == ["\(Self.records - 1)"]
            )
        }
    }

    @Test("A run that stopped at wrong SQL takes a mended spec, from whichever machine")
    func mended() async throws {
        try await with { machines in
            var wrong = spec(machines.database, more: ["stage: postgres"])
            wrong.sql = "SELECT id, name, note, score / (id - 9000) * (id - 9000) AS score FROM person ORDER BY id"
            try machines.write(wrong)
            let failed = try await machines.start("run", "spec.yaml", "--quiet").wait()
            #expect(failed.status == .exit(1) && failed.notes.contains("division by zero"), "\(failed.all)")
            let run = try #require(
                try JSONResult(try await machines.backfill("list", "--json"))[0]["run"]["run_id"].text
            )
            try machines.write(spec(machines.database, more: ["stage: postgres"]))
            expectComplete(
                try await machines.backfill("resume", run, "--spec", "../spec.yaml", "--quiet", in: "elsewhere")
            )
            try await expectExactlyTheSource(machines)
        }
    }
}

@Suite(
    "A place for the state that does not do is refused before anything is made",
    .enabled(if: TestPostgreSQL.isThere)
)
struct StatePlaceTests {
    private var url: String { TestPostgreSQL.url ?? "" }

    @Test("`stage: postgres` needs a database for the state, and a database needs a cluster")
    func unfitting() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 3)
            try place.write(SpecFile(more: ["stage: postgres"]))
            expectError(
                try await place.backfill("run", "spec.yaml"),
                exit: 2,
                "`stage: postgres` keeps results in the database that holds the state",
                "--state postgresql://"
            )
            for command in [["run", "spec.yaml"], ["worker"]] {
                let end = try await place.start(command, environment: ["BACKFILL_STATE": "\(url)?schema=never_made"])
                    .wait()
                expectError(end, exit: 2, "The embedded engine keeps its histories in a folder", "--engine temporal://")
            }
        }
    }

    @Test("A password in the command line is refused, and not repeated")
    func password() async throws {
        try await Workplace.with { place in
            let end = try await place.backfill("list", "--state", "postgresql://anna:hunter2@h/d")
            expectError(end, exit: 2, "anna:***@h/d", "list of processes", "BACKFILL_STATE")
            #expect(!end.notes.contains("hunter2"))
        }
    }

    @Test("A database that is not there is named, and what to do")
    func unreachable() async throws {
        try await Workplace.with { place in
            let end = try await place.backfill("list", "--state", "postgresql://anna@127.0.0.1:1/d")
            expectError(end, exit: 1, "postgresql://anna@127.0.0.1:1/d cannot be reached", "type the same again")
        }
    }
}
