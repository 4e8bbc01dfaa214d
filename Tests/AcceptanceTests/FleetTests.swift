import Foundation
import TestSupport
import Testing

@Suite(
    "On a Temporal cluster a run survives its workers, the server and the network, and is steered from anywhere",
    .enabled(if: TestTemporal.isThere && TestPostgreSQL.isThere),
    .serialized,
    .timeLimit(.minutes(10))
)
struct FleetTests {
    private static let records = 30_000
    private static let patience = "retry: {initial-interval: 20ms, maximum-interval: 500ms, maximum-attempts: 100000}"

    private func spec(_ database: PostgreSQLPlace, more: [String] = []) -> SpecFile {
        SpecFile(
            sinks: [database.table("upserted", "upsert"), database.table("appended", "append")],
            more: ["buckets: 6", "batch: 100", "executors: 6", Self.patience] + more
        )
    }

    /// Calls with a source, two empty targets, and a spec from one to the other.
    private func with(
        _ more: [String] = [],
        _ body: (Workplace, PostgreSQLPlace, Workers) async throws -> Void
    ) async throws {
        try await PostgreSQLPlace.with { database in
            try await Workplace.with { place in
                try await database.makeSource(records: Self.records)
                try await place.makeSource(records: Self.records)
                try place.write(spec(database, more: more))
                let workers = Workers(in: place.folder, options: Workplace.mortal)
                do { try await body(place, database, workers) } catch {
                    try? await workers.end()
                    throw error
                }
                try await workers.end()
            }
        }
    }

    private func expectExactlyTheSource(
        _ place: Workplace,
        _ database: PostgreSQLPlace,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let source = try await database.digest("person")
        for table in ["upserted", "appended"] {
            #expect(try await database.digest(table) == source, "\(table)", sourceLocation: sourceLocation)
        }
        let stats = try JSONResult(try await place.backfill("stats", "--json"))
        #expect(stats["run"]["published"].integer == Self.records, sourceLocation: sourceLocation)
        #expect(stats["run"]["dead_lettered"].integer == 0, sourceLocation: sourceLocation)
        #expect(stats["standing"].text == "complete", sourceLocation: sourceLocation)
    }

    @Test(
        "Three workers are killed with kill -9 again and again, and every record arrives exactly once",
        arguments: ["file", "direct"]
    )
    func killed(stage: String) async throws {
        let address = try #require(TestTemporal.address)
        try await with(["pace: 3000/s", "stage: \(stage)"]) { place, database, workers in
            for _ in 0..<3 { try workers.start(engine: address) }
            let program = try place.start("run", "spec.yaml", "--engine", address)
            for kill in 1...5 {
                try await place.untilPublished(kill * 3_000, program)
                try await workers.kill(Int.random(in: 0..<3))
                try workers.start(engine: address)
            }
            expectComplete(try await program.wait())
            // One that was started last may not have come so far as to leave in order.
            for end in try await workers.stop() {
                #expect(end.status == .exit(0) || end.status == .signal(SIGTERM) && end.notes.isEmpty, "\(end.all)")
            }
            try await expectExactlyTheSource(place, database)

            // A state folder remembers its engine.
            let run = try await place.newestRun()
            let history = try await place.backfill("history", run)
            expectComplete(history)
            #expect(history.output.contains("WorkflowExecutionCompleted"), "\(history.output)")
        }
    }

    @Test("The server is killed twice and comes back with its histories: the run goes on")
    func serverKilled() async throws {
        try await TemporalServer.with { server in
            try await with(["pace: 3000/s"]) { place, database, workers in
                for _ in 0..<2 { try workers.start(engine: server.address) }
                let program = try place.start("run", "spec.yaml", "--engine", server.address)
                for kill in 1...2 {
                    try await place.untilPublished(kill * 5_000, program)
                    try await server.kill()
                    try await server.start()
                }
                expectComplete(try await program.wait())
                try await expectExactlyTheSource(place, database)
                _ = try await workers.stop()
            }
        }
    }

    @Test("The network between a worker and the server is cut in mid-run, and mended later")
    func cutOff() async throws {
        let address = try #require(TestTemporal.address)
        let port = try #require(address.split(separator: "/")[1].split(separator: ":").last.flatMap { Int($0) })
        let proxy = try await CuttableProxy(to: port)
        try await with(["pace: 3000/s"]) { place, database, workers in
            try workers.start(engine: address)
            try workers.start(engine: address.replacing(":\(port)/", with: ":\(proxy.port)/"))
            let program = try place.start("run", "spec.yaml", "--engine", address)
            try await place.untilPublished(6_000, program)
            proxy.cut()
            try await place.untilPublished(18_000, program)
            proxy.mend()
            expectComplete(try await program.wait())
            try await expectExactlyTheSource(place, database)
            _ = try await workers.stop()
        }
        await proxy.close()
    }

    @Test("pause, throttle, resume and cancel reach every worker; leaving `run` does not stop it")
    func steered() async throws {
        let address = try #require(TestTemporal.address)
        try await with(["pace: 300/s"]) { place, database, workers in
            for _ in 0..<2 { try workers.start(engine: address) }
            let program = try place.start("run", "spec.yaml", "--engine", address)
            try await place.untilPublished(1, program)
            let run = try await place.newestRun()
            program.send(SIGINT)
            let left = try await program.wait()
            #expect(left.status == .exit(130), "\(left.all)")
            #expect(left.lastNote.contains("the workers go on"), "\(left.notes)")
            expectPlainWords(left)
            expectError(try await place.backfill("resume", run), exit: 2, "is being worked on by the workers of")

            expectComplete(try await place.backfill("pause", run))
            let arrived = try await place.expectStandstill {
                try await database.sql("SELECT count(*) FROM upserted").first.flatMap { Int($0) } ?? -1
            }
            let stats = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(stats["standing"].text == "running")
            #expect(arrived < Self.records)

            expectComplete(try await place.backfill("throttle", run, "--rate", "none"))
            expectComplete(try await place.backfill("resume", run))
            try await place.until("all records") {
                try await place.progress("published", as: Int.self) == Self.records
            }
            try await place.until("the report") {
                try JSONResult(try await place.backfill("stats", "--json"))["standing"].text == "complete"
            }
            try await expectExactlyTheSource(place, database)
            _ = try await workers.stop()
        }
    }

    @Test("Workers that are told to leave settle what is in flight, and others carry on", arguments: [SIGINT, SIGTERM])
    func left(signal: Int32) async throws {
        let address = try #require(TestTemporal.address)
        try await with(["pace: 3000/s"]) { place, database, workers in
            try workers.start(engine: address)
            let program = try place.start("run", "spec.yaml", "--engine", address)
            for leave in 1...2 {
                try await place.untilPublished(leave * 4_000, program)
                for end in try await workers.stop(signal) { #expect(end.status == .exit(0), "\(end.all)") }
                let settled = try await place.expectStandstill {
                    try await database.sql("SELECT count(*) FROM appended").first.flatMap { Int($0) } ?? -1
                }
                #expect(try await place.progress("published", as: Int.self) == settled, "nothing is left in flight")
                try workers.start(engine: address)
            }
            expectComplete(try await program.wait())
            try await expectExactlyTheSource(place, database)
            #expect(try await place.progress("retries", as: Int.self) == 0, "to leave is no failure")
        }
    }

    @Test("A command to a run whose workers are all gone waits for one, and holds when it comes")
    func nobodyAtWork() async throws {
        let address = try #require(TestTemporal.address)
        try await with(["pace: 300/s"]) { place, database, workers in
            try workers.start(engine: address)
            let program = try place.start("run", "spec.yaml", "--engine", address)
            try await place.untilPublished(1, program)
            let run = try await place.newestRun()
            try await workers.stop(SIGKILL)

            let paused = try await place.backfill("pause", run)
            #expect(paused.status == .exit(1), "\(paused.all)")
            #expect(paused.lastNote.contains("the command waits for it"), "\(paused.notes)")

            try workers.start(engine: address)
            try await place.untilWaiting(for: "paused by ", program)
            expectComplete(try await place.backfill("throttle", run, "--rate", "none"))
            expectComplete(try await place.backfill("resume", run))
            expectComplete(try await program.wait())
            try await expectExactlyTheSource(place, database)
        }
    }

    @Test("A run on a cluster is cancelled from another process")
    func cancelled() async throws {
        let address = try #require(TestTemporal.address)
        try await with(["pace: 300/s", "engine: \(address)"]) { place, _, workers in
            try workers.start(engine: address)
            let program = try place.start("run", "spec.yaml")
            try await place.untilPublished(1, program)
            let run = try await place.newestRun()
            expectComplete(try await place.backfill("cancel", run))
            let end = try await program.wait()
            #expect(end.status == .exit(1), "\(end.all)")
            let stats = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(stats["standing"].text == "cancelled")
            _ = try await workers.stop()
        }
    }

    @Test("What a cluster cannot do is said before anything begins")
    func refused() async throws {
        let address = try #require(TestTemporal.address)
        try await Workplace.with { place in
            try await place.makeSource(records: 10)
            try place.write(SpecFile(sinks: [SpecFile.file("all.ndjson")]))
            expectError(
                try await place.backfill("run", "spec.yaml", "--engine", address),
                exit: 2,
                "all.ndjson is written by one process",
                "embedded engine"
            )
            expectError(
                try await place.backfill("run", "spec.yaml", "--engine", "temporal://127.0.0.1:0"),
                exit: 1,
                "`0` is no port"
            )
            #expect(!place.exists(".backfill"), "nothing was begun")
        }
        try await Workplace.with { place in
            try await place.makeSource(records: 10)
            try place.write(SpecFile())
            expectError(try await place.backfill("worker"), exit: 2, "backfill worker --engine temporal://")
            expectError(
                try await place.backfill("run", "spec.yaml", "--engine", "cluster"),
                exit: 2,
                "no engine `cluster`"
            )
            expectComplete(try await place.backfill("run", "spec.yaml"))
            expectError(
                try await place.backfill("run", "spec.yaml", "--engine", address),
                exit: 2,
                "are on the engine embedded"
            )
        }
    }
}
