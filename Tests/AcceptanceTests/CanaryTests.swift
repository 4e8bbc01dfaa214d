import Foundation
import Testing

@Suite(
    "A canary goes first, and the full run does not repeat it where records would come twice",
    .timeLimit(.minutes(10))
)
struct CanaryTests {
    private static let records = 3_000

    @Test("append: --limit, then --only-keys, then all: each record once", arguments: Engine.available)
    func append(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            try await place.makeSource(records: Self.records)
            try place.write(SpecFile(sinks: [SpecFile.append("person")]))
            try place.write("2500\n7\n\n2600\nnobody\n", to: "keys")

            expectComplete(try await place.backfill("run", "spec.yaml", "--limit", "100", "--quiet"))
            #expect(try await place.values("SELECT id FROM person ORDER BY id", of: "target.sqlite") == Array(1...100))
            let stats = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(stats["run"]["records"].integer == 100 && stats["run"]["canary"]["limit"].integer == 100)

            expectComplete(try await place.backfill("run", "spec.yaml", "--only-keys", "keys", "--quiet"))
            #expect(
                try await place.values("SELECT id FROM person WHERE id > 100 ORDER BY id", of: "target.sqlite")
                    == [2500, 2600],
                "7 was in the first canary"
            )

            expectComplete(try await place.backfill("run", "spec.yaml", "--quiet"))
            #expect(try await place.records(of: "person", in: "target.sqlite") == place.sourceRecords())
            expectComplete(try await place.backfill("verify"))
        }
    }

    @Test("What a canary could not publish comes with the full run", .embeddedOnly("the engine has no part in it"))
    func deadLetters() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 500)
            try await place.execute(
                "CREATE TABLE person (id INTEGER CHECK (id <> 5), name TEXT, note TEXT, score REAL)",
                on: "target.sqlite"
            )
            try place.write(SpecFile(sinks: [SpecFile.append("person")], more: ["tolerate: 1"]))
            expectComplete(try await place.backfill("run", "spec.yaml", "--limit", "10", "--quiet"))
            try await place.execute(
                "DROP TABLE person; CREATE TABLE person AS SELECT * FROM kept",
                on: "target.sqlite",
                after: "CREATE TABLE kept AS SELECT * FROM person"
            )

            expectComplete(try await place.backfill("run", "spec.yaml", "--quiet"))

            #expect(try await place.values("SELECT id FROM person ORDER BY id", of: "target.sqlite") == Array(1...500))
        }
    }

    @Test(
        "upsert: the full run takes all, for the rows may have changed since; --repeat-canaries does the same for append",
        arguments: Engine.available
    )
    func repeated(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            try await place.makeSource(records: 300)
            try place.write(SpecFile())
            expectComplete(try await place.backfill("run", "spec.yaml", "--limit", "10", "--quiet"))
            try await place.execute("UPDATE person SET name = 'renamed' WHERE id = 3", on: "source.sqlite")
            expectComplete(try await place.backfill("run", "spec.yaml", "--quiet"))
            #expect(try await place.records(of: "person", in: "target.sqlite") == place.sourceRecords())

            try place.write(SpecFile(name: "again", sinks: [SpecFile.append("log")]))
            expectComplete(try await place.backfill("run", "spec.yaml", "--limit", "10", "--quiet"))
            expectComplete(try await place.backfill("run", "spec.yaml", "--repeat-canaries", "--quiet"))
            #expect(try await place.count("log", of: "target.sqlite") == 310)
        }
    }

    @Test("Wrong values are refused before anything is begun", .embeddedOnly("no engine is asked"))
    func wrong() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 10)
            try place.write(SpecFile())
            try place.write("\n \n", to: "empty")
            expectError(try await place.backfill("run", "spec.yaml", "--limit", "0"), exit: 2, "--limit")
            expectError(try await place.backfill("run", "spec.yaml", "--only-keys", "nowhere"), exit: 2, "nowhere")
            expectError(try await place.backfill("run", "spec.yaml", "--only-keys", "empty"), exit: 2, "no record id")
            #expect(!place.exists(".backfill"))
        }
    }
}

extension Workplace {
    fileprivate func execute(_ sql: String, on database: String, after first: String) async throws {
        try await execute(first, on: database)
        try await execute(sql, on: database)
    }
}
