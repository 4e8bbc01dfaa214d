import Testing

@Suite("One bad record becomes one dead letter, and the rest arrive")
struct PoisonRecordTests {
    private static let records = 2000
    private static let poison = 777

    /// Refuses the poison record by a CHECK, and says at what tolerance the run ends how.
    @Test(
        "tolerate decides whether the run is complete",
        arguments: Engine.each([("0", Int32(1)), ("1%", 0), ("1", 0), ("0.01%", 1)], onCluster: 2)
    )
    func tolerance(engine: Engine, given: (tolerate: String, status: Int32)) async throws {
        try await Workplace.with(on: engine) { place in
            let (tolerate, status) = given
            let end = try await run(in: place, tolerating: tolerate)

            let run = try await place.newestRun()
            #expect(end.status == .exit(status), "\(end.all)")
            #expect(try await place.count("person", of: "target.sqlite") == Self.records - 1)
            #expect(end.output.contains("1 dead letter"))
            if status != 0 { #expect(end.lastNote == "next: backfill dead-letters list \(run)") }
            expectPlainWords(end)
        }
    }

    @Test(
        "The dead letter names record, column, error and correlation id, and trace finds it",
        arguments: Engine.available
    )
    func deadLetter(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            _ = try await run(in: place, tolerating: "0")

            let table = try await place.backfill("dead-letters", "list")
            let letters = try JSONResult(try await place.backfill("dead-letters", "list", "--json"))

            #expect(letters.elements.count == 1)
            let letter = letters[0]
            let id = try #require(letter["correlation_id"].text)
            #expect(letter["record_id"].text == "\(Self.poison)")
            #expect(letter["ordinal"].integer == Self.poison)
            #expect(id.hasPrefix("etl-") && id.hasSuffix("-\(Self.poison)"))
            let error = try #require(letter["error"].text)
            #expect(error.contains("score"), "the column: \(error)")
            #expect(error.contains("CHECK constraint failed"))
            #expect(letter["payload"].text?.contains("\"id\":\(Self.poison)") == true)
            for text in [id, "score", "CHECK"] { #expect(table.output.contains(text)) }
            expectPlainWords(table)
            let trace = try JSONResult(try await place.backfill("trace", id, "--json"))
            #expect(trace[0]["dead_letters"][0]["correlation_id"].text == id)
            let stats = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(stats["run"]["published"].integer == Self.records - 1)
            #expect(stats["run"]["dead_lettered"].integer == 1)
        }
    }

    @Test("A run without dead letters says so", .embeddedOnly("the engine has no part in it"))
    func none() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 200)
            try place.write(SpecFile())
            expectComplete(try await place.backfill("run", "spec.yaml"))

            let table = try await place.backfill("dead-letters", "list")
            let letters = try JSONResult(try await place.backfill("dead-letters", "list", "--json"))

            expectComplete(table)
            #expect(table.notes.contains("no dead letters"))
            #expect(letters.elements.isEmpty)
        }
    }

    private func run(in place: Workplace, tolerating: String) async throws -> ProgramEnd {
        try await place.makeSource(records: Self.records)
        try await place.execute(
            "CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, note TEXT, score REAL CHECK (score <> \(Self.poison) / 8.0))",
            on: "target.sqlite"
        )
        try place.write(SpecFile(more: ["buckets: 4", "batch: 100", "tolerate: \(tolerating)"]))
        return try await place.backfill("run", "spec.yaml")
    }
}
