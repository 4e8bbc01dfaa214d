import Foundation
import TestSupport
import Testing

@Suite("verify names what differs, and nothing else", .timeLimit(.minutes(10)))
struct VerifyTests {
    @Test("One changed, one missing and one extra record among a million", .embeddedOnly("verify asks no engine"))
    func million() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 1_000_000)
            try place.write(SpecFile(more: ["buckets: 4", "batch: 5000"]))
            expectComplete(try await place.backfill("run", "spec.yaml", "--quiet"))
            expectComplete(try await place.backfill("verify", "--quiet"))
            try await damage(place)

            let end = try await place.backfill("verify", "--json", "--quiet")

            #expect(end.status == .exit(1), "\(end.all)")
            let sink = try JSONResult(end)["sinks"][0]
            #expect(sink["compared"].integer == 1_000_000)
            #expect(Self.differences(of: sink) == ["changed 5", "extra 2000000", "missing 999999"])
            #expect(sink["differences"].elements.first { $0["kind"].text == "changed" }?["columns"][0].text == "note")
        }
    }

    @Test(
        "--repair publishes the missing and the changed record again, and leaves others' rows alone",
        arguments: Engine.available
    )
    func repair(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            try await place.makeSource(records: 2_000)
            try place.write(SpecFile())
            expectComplete(try await place.backfill("run", "spec.yaml", "--quiet"))
            try await place.execute(
                "UPDATE person SET note = 'x' WHERE id = 5; DELETE FROM person WHERE id = 1999; INSERT INTO person VALUES (2000000, 'other', NULL, 1)",
                on: "target.sqlite"
            )
            let text = try await place.backfill("verify")
            let run = try await place.newestRun()
            expectError(
                text,
                exit: 1,
                output: ["changed    5 (ordinal 5 of all): note", "missing    1999", "extra      2000000"]
            )
            #expect(text.lastNote == "next: backfill verify \(run) --repair")

            expectComplete(try await place.backfill("verify", "--repair", "--own-keys", "--quiet"))

            #expect(try await place.count("person", of: "target.sqlite") == 2_001)
            try await place.execute("DELETE FROM person WHERE id = 2000000", on: "target.sqlite")
            #expect(try await place.records(of: "person", in: "target.sqlite") == place.sourceRecords())
            let stats = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(stats["run"]["published"].integer == 2_000 && stats["standing"].text == "complete")
            expectComplete(try await place.backfill("verify", "--repair"))
        }
    }

    @Test("Rows that others write meanwhile are no difference with --own-keys", .embeddedOnly("verify asks no engine"))
    func othersWrite() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 20_000)
            try place.write(SpecFile())
            expectComplete(try await place.backfill("run", "spec.yaml", "--quiet"))
            let others = Task {
                var id = 100_000
                while !Task.isCancelled {
                    id += 1
                    try await place.execute("INSERT INTO person VALUES (\(id), 'other', NULL, 1)", on: "target.sqlite")
                }
            }
            for _ in 0..<3 { expectComplete(try await place.backfill("verify", "--own-keys")) }
            others.cancel()
            _ = await others.result
            #expect(try await place.backfill("verify").status == .exit(1))
        }
    }

    @Test(
        "The same in PostgreSQL",
        .enabled(if: TestPostgreSQL.isThere),
        .embeddedOnly("the database makes no difference to the engine")
    )
    func postgreSQL() async throws {
        try await Workplace.with { place in
            try await PostgreSQLPlace.with { server in
                try await place.makeSource(records: 5_000)
                let table = "table: {database: \"\(server.url)\", name: person, mode: upsert, create: true}"
                try place.write(SpecFile(sinks: [table]))
                expectComplete(try await place.backfill("run", "spec.yaml", "--quiet"))
                expectComplete(try await place.backfill("verify"))
                try await server.sql("UPDATE person SET score = 0 WHERE id = 17")
                try await server.sql("DELETE FROM person WHERE id = 4000")
                try await server.sql("INSERT INTO person (id, name, score) VALUES (77777, 'other', 1)")

                let end = try await place.backfill("verify", "--json")

                #expect(
                    Self.differences(of: try JSONResult(end)["sinks"][0]) == [
                        "changed 17", "extra 77777", "missing 4000",
                    ]
                )
                expectComplete(try await place.backfill("verify", "--repair", "--own-keys", "--quiet"))
            }
        }
    }

    @Test(
        "An unfinished run is compared as far as it went; dead letters are not expected; a missing table is said so",
        .embeddedOnly("verify asks no engine")
    )
    func unfinished() async throws {
        try await Workplace.with { place in
            let run = try await place.failARun()

            let end = try await place.backfill("verify", run)
            #expect(end.status == .exit(0), "\(end.all)")
            #expect(end.output.contains("not published yet"))

            try await place.execute("DROP TABLE person", on: "target.sqlite")
            expectError(try await place.backfill("verify", run), exit: 2, "person")
        }
    }

    private func damage(_ place: Workplace) async throws {
        try await place.execute(
            """
            UPDATE person SET note = 'x' WHERE id = 5; DELETE FROM person WHERE id = 999999;
            INSERT INTO person VALUES (2000000, 'other', NULL, 1)
            """,
            on: "target.sqlite"
        )
    }

    private static func differences(of sink: JSONResult) -> [String] {
        sink["differences"].elements.map { "\($0["kind"].text ?? "") \($0["record_id"].text ?? "")" }.sorted()
    }

    /// The exit status, and what stands in the result.
    private func expectError(_ end: ProgramEnd, exit status: Int32, output texts: [String]) {
        #expect(end.status == .exit(status), "\(end.all)")
        for text in texts { #expect(end.output.contains(text), "\(text) is not in: \(end.output)") }
        expectPlainWords(end)
    }

    private func expectError(_ end: ProgramEnd, exit status: Int32, _ text: String) {
        AcceptanceTests.expectError(end, exit: status, text)
    }
}
