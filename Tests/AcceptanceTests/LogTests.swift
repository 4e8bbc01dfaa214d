import Foundation
import Testing

@Suite("Logs name the run, the query, the execution and the message, and hold no payload")
struct LogTests {
    private static let records = 2000
    private static let poison = 777

    /// A run with a record that is refused, and with an execution that hands over.
    private func run(in place: Workplace, _ arguments: String...) async throws -> ProgramEnd {
        try await place.makeSource(records: Self.records)
        try await place.execute(
            """
            UPDATE person SET note = 'SECRET ' || id;
            UPDATE person SET name = 'SECRET POISON' WHERE id = \(Self.poison);
            """,
            on: "source.sqlite"
        )
        try await place.execute(
            "CREATE TABLE person (id INTEGER PRIMARY KEY, name CHECK (name <> 'SECRET POISON'), note, score)",
            on: "target.sqlite"
        )
        try place.write(SpecFile(more: ["buckets: 2", "batch: 10", "history-limit: 200", "tolerate: 1"]))
        return try await BuiltProgram.start(["run", "spec.yaml"] + arguments, in: place.folder).wait()
    }

    private func lines(_ end: ProgramEnd) throws -> [[String: String]] {
        try end.notes.split(separator: "\n").map { line in
            let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String]
            return try #require(object, "not a JSON line: \(line)")
        }
    }

    @Test("With --log-format json every line on stderr is a JSON object that names the run")
    func json() async throws {
        try await Workplace.with { place in
            let end = try await run(in: place, "--log-format", "json", "--log-level", "debug")

            #expect(end.status == .exit(0), "\(end.all)")
            let run = try await place.newestRun()
            let lines = try lines(end)
            for line in lines {
                #expect(line["run"] == run, "\(line)")
                #expect(line.keys.contains("time") && line.keys.contains("level"), "\(line)")
            }
            #expect(!end.notes.contains("SECRET"))
            let messages = lines.compactMap { $0["message"] }
            for text in [
                "run \(run)", "pass 1 begins", "staged all: 2000 records", "planned all: 2 buckets",
                "ExecutorWorkflow begins",
                "continues as execution", "bucket complete", "dead letter", "query worked through", "complete",
            ] {
                #expect(messages.contains { $0.contains(text) }, "\(text)")
            }
            #expect(!messages.contains { $0.hasPrefix("a batch of") }, "those are for trace")
        }
    }

    @Test("A dead letter's line has its correlation id, and lines of an executor its query and execution")
    func ids() async throws {
        try await Workplace.with { place in
            let end = try await run(in: place, "--log-format", "json", "--log-level", "trace")

            let query = try #require(
                try await place.value("SELECT query_id FROM query", of: ".backfill/backfill.sqlite", as: String.self)
            )
            let lines = try lines(end)
            let letters = lines.filter { $0["message"]?.hasPrefix("dead letter") == true }
            #expect(letters.count == 1)
            let execution = try #require(letters.first?["execution"])
            #expect(letters.first?["correlation-id"] == "etl-\(query)-\(execution)-\(Self.poison)")
            #expect(letters.first?["query"] == query)
            let executors = lines.filter {
                $0["workflow"]?.contains("/") == true || $0["message"]?.hasPrefix("a batch of") == true
            }
            #expect(executors.count > Self.records / 10)
            for line in executors {
                #expect(line["query"] == query && line["bucket"] != nil && line["execution"] != nil, "\(line)")
            }
            #expect(!end.notes.contains("SECRET"))
        }
    }

    @Test("Errors are log lines too, and the last line still says what to type next")
    func errors() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 10)
            try place.write(
                SpecFile(
                    sinks: ["table: {database: \"sqlite:target.sqlite\", name: person, mode: append}"],
                    more: [SpecFile.fewAttempts]
                )
            )
            let refused = try await place.backfill("run", "spec.yaml", "--log-format", "json")
            #expect(refused.status == .exit(2))
            let line = try lines(refused)
            #expect(line.count == 1 && line.first?["level"] == "error", "\(refused.all)")
            expectError(try await place.backfill("run", "spec.yaml", "--log-format", "yaml"), exit: 2, "yaml")
        }
    }

    @Test("As text each line has time, level and ids; without --log-level a good run logs nothing")
    func text() async throws {
        try await Workplace.with { place in
            let end = try await run(in: place, "--log-level", "info", "--quiet")

            #expect(end.status == .exit(0), "\(end.all)")
            let run = try await place.newestRun()
            let lines = end.notes.split(separator: "\n")
            #expect(!lines.isEmpty)
            #expect(lines.allSatisfy { $0.contains(" run=\(run)") && $0.contains("Z info ") }, "\(end.notes)")
            #expect(!end.notes.contains("SECRET"))
        }
    }
}
