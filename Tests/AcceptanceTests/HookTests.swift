import Foundation
import TestSupport
import Testing

@Suite("Hooks run before and after the records, once in effect")
struct HookTests {
    private func spec(_ hooks: String..., create: Bool = true) -> SpecFile {
        SpecFile(sinks: [SpecFile.upsert(create: create)], more: ["buckets: 4", "batch: 50"] + hooks)
    }

    @Test(
        "before makes the target that the sink needs; after counts what came; both once, also over resumes",
        arguments: Engine.available
    )
    func aroundTheRecords(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            try await place.makeSource(records: 1000)
            try place.write(
                "CREATE TABLE person (id INTEGER PRIMARY KEY, name, note, score);\nCREATE TABLE seen (n);",
                to: "before.sql"
            )
            try place.write(
                spec(
                    "before: {sql: before.sql, on: target}",
                    "after: [{sql: INSERT INTO seen SELECT count(*) FROM person, on: target}]",
                    create: false
                )
            )
            expectComplete(try await place.backfill("run", "spec.yaml", "--dry-run"))
            #expect(!place.exists("target.sqlite"), "a dry run changes nothing")
            // The text is the one that the run began with, whatever becomes of the file.
            expectComplete(try await place.backfill("run", "spec.yaml"))
            #expect(try await place.values("SELECT n FROM seen", of: "target.sqlite", as: Int.self) == [1000])
            let history = try await place.backfill("history", try await place.newestRun())
            #expect(history.output.contains("RunHook"))
        }
    }

    @Test(
        "A killed run's hooks have one effect, wherever it was killed",
        arguments: Engine.available,
        [UInt64.random(in: 0...UInt64.max)]
    )
    func killed(engine: Engine, seed: UInt64) async throws {
        print("hooks killed with seed \(seed)")
        var random = SplitMix64(seed: seed)
        for _ in 0..<(engine == .embedded ? 4 : 1) {
            try await Workplace.with(on: engine, workers: Workplace.mortal) { place in
                try await place.makeSource(records: 3000)
                try await place.execute("CREATE TABLE calls (what)", on: "calls.sqlite")
                try place.write(
                    spec(
                        "before: {sql: INSERT INTO calls VALUES ('before'), on: sqlite:calls.sqlite}",
                        "after: {sql: INSERT INTO calls VALUES ('after'), on: sqlite:calls.sqlite}",
                        "on-success: {sql: INSERT INTO calls VALUES ('success'), on: sqlite:calls.sqlite}"
                    )
                )
                _ = try await place.runThroughKills(longest: 250, using: &random)
                let calls: [String] = try await place.values("SELECT what FROM calls", of: "calls.sqlite")
                #expect(calls == ["before", "after", "success"], "seed \(seed)")
            }
        }
    }

    @Test(
        "A failed run tells after and on-failure, and a mended one on-success: each with the report, and again when the server failed",
        arguments: Engine.available
    )
    func reports(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            let (failures, successes) = (try await WebServer(answering: 503, 200), try await WebServer(answering: 204))
            try await place.makeSource(records: Mishap.records)
            try await place.breakSecondSink()
            var spec = Mishap.spec
            spec.more += [
                "on-failure: {post: \"http://127.0.0.1:\(failures.port)/failed\"}",
                "on-success: {post: \"http://127.0.0.1:\(successes.port)/done?token=${TOKEN}\"}",
            ]
            try place.write(spec)
            let environment = ["TOKEN": "s3cret"]
            let failed = try await place.backfill("run", "spec.yaml", environment: environment)
            #expect(failed.status == .exit(1), "\(failed.all)")
            let run = try await place.newestRun()
            #expect(failures.requests.count == 2)
            let request = try #require(failures.requests.last)
            #expect(request.line == "POST /failed HTTP/1.1")
            #expect(request.headers["content-type"] == "application/json")
            #expect(request.headers["idempotency-key"] == "\(run)/hook/on-failure/1/pass 1")
            let told = try #require(try JSONSerialization.jsonObject(with: Data(request.body.utf8)) as? [String: Any])
            #expect(told["standing"] as? String == "incomplete")
            #expect((told["run"] as? [String: Any])?["run_id"] as? String == run)
            #expect(told["next_step"] as? String == "backfill resume \(run) --bucket \(Mishap.bucket)")

            try await place.mendSecondSink()
            expectComplete(try await place.backfill("resume", run, environment: environment))
            #expect(successes.requests.count == 1)
            #expect(successes.requests.first?.line == "POST /done?token=s3cret HTTP/1.1")
            #expect(successes.requests.first?.headers["idempotency-key"] == "\(run)/hook/on-success/1")
            for (name, content) in try place.contents() {
                #expect(content.range(of: Data("s3cret".utf8)) == nil, "\(name)")
            }
        }
    }

    @Test(
        "Hooks hand over near the history limit like everything else; a redirect is no receipt; a token stays out of errors",
        arguments: Engine.available
    )
    func manyHooks(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            let server = try await WebServer(answering: 302)
            try await place.makeSource(records: 100)
            try await place.execute("CREATE TABLE calls (what)", on: "calls.sqlite")
            let hooks = (1...30).map { "{sql: INSERT INTO calls VALUES (\($0)), on: sqlite:calls.sqlite}" }
            try place.write(
                spec(
                    "history-limit: 100",
                    "after: [\(hooks.joined(separator: ", "))]",
                    "on-success: {post: \"http://127.0.0.1:\(server.port)/done?token=s3cret\"}"
                )
            )
            let end = try await place.backfill("run", "spec.yaml")
            #expect(end.status == .exit(1), "\(end.all)")
            #expect(end.notes.contains("the server answered 302") && !end.all.contains("s3cret"), "\(end.notes)")
            #expect(server.requests.count == 1)
            #expect(try await place.values("SELECT what FROM calls", of: "calls.sqlite", as: Int.self) == Array(1...30))
        }
    }

    @Test(
        "A hook that fails makes the run incomplete and says so; resume does what is left",
        arguments: Engine.available
    )
    func failing(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            try await place.makeSource(records: 200)
            try await place.execute("CREATE TABLE calls (what)", on: "calls.sqlite")
            try place.write(
                spec(
                    "after: [{sql: INSERT INTO nowhere VALUES (1), on: sqlite:calls.sqlite}]",
                    "on-failure: {sql: INSERT INTO calls VALUES ('failure'), on: sqlite:calls.sqlite}",
                    "on-success: {sql: INSERT INTO calls VALUES ('success'), on: sqlite:calls.sqlite}"
                )
            )
            let failed = try await place.backfill("run", "spec.yaml")
            #expect(failed.status == .exit(1), "\(failed.all)")
            #expect(
                failed.notes.contains("hook after/1 failed: ") && failed.notes.contains("no such table: nowhere"),
                "\(failed.notes)"
            )
            expectPlainWords(failed)
            #expect(try await place.count("person", of: "target.sqlite") == 200)
            try await place.execute("CREATE TABLE nowhere (n)", on: "calls.sqlite")
            expectComplete(try await place.backfill("resume", try await place.newestRun()))
            let calls: [String] = try await place.values("SELECT what FROM calls", of: "calls.sqlite")
            #expect(calls == ["failure", "success"])
        }
    }

    @Test(
        "A before hook that fails ends the run before its first record; after and on-failure still run",
        .embeddedOnly("failing after the records shows it")
    )
    func failingBefore() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 200)
            try await place.execute("CREATE TABLE calls (what)", on: "calls.sqlite")
            try place.write(
                spec(
                    "before: {sql: COMMIT, on: sqlite:calls.sqlite}",
                    "after: {sql: INSERT INTO calls VALUES ('after'), on: sqlite:calls.sqlite}",
                    "on-failure: {sql: INSERT INTO calls VALUES ('failure'), on: sqlite:calls.sqlite}"
                )
            )
            let failed = try await place.backfill("run", "spec.yaml")
            #expect(failed.status == .exit(1), "\(failed.all)")
            #expect(failed.notes.contains("begins or ends a transaction of its own"), "\(failed.notes)")
            let calls: [String] = try await place.values("SELECT what FROM calls", of: "calls.sqlite")
            #expect(calls == ["after", "failure"])
            #expect(!place.exists("target.sqlite"))
        }
    }
}
