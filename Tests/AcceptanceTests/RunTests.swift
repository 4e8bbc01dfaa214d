import Testing

@Suite("A run takes every record of the source to every sink")
struct RunTests {
    @Test("Upsert, append, NDJSON and CSV hold exactly the source's records", arguments: [1, 200, 5000])
    func everySink(records: Int) async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: records)
            try place.write(
                SpecFile(sinks: [
                    SpecFile.upsert("upserted"), SpecFile.append("appended"), SpecFile.file("all.ndjson"),
                    SpecFile.file("all.csv"),
                ])
            )

            let end = try await place.backfill("run", "spec.yaml")

            expectComplete(end)
            #expect(end.output.contains("is complete"))
            let source = try await place.records(of: "person", in: "source.sqlite")
            #expect(source.count == records)
            #expect(try await place.records(of: "upserted", in: "target.sqlite") == source)
            #expect(try await place.records(of: "appended", in: "target.sqlite") == source)
            #expect(try place.objects("all.ndjson") == (try await place.sourceObjects()))
            #expect(try place.recordsOfCSV("all.csv") == records)
            #expect(!place.exists("all.ndjson.partial"))
            #expect(!place.exists("all.csv.partial"))
        }
    }

    @Test("No record is a run that is complete, with the table there and empty")
    func noRecords() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 0)
            try place.write(
                SpecFile(sinks: [SpecFile.upsert(), SpecFile.file("out.ndjson"), SpecFile.file("out.csv")])
            )

            let end = try await place.backfill("run", "spec.yaml")

            expectComplete(end)
            #expect(try await place.count("person", of: "target.sqlite") == 0)
            #expect(try place.text("out.ndjson") == "")
            #expect(
                try place.text("out.csv") == "id,name,note,score\r\n" || place.text("out.csv") == "id,name,note,score\n"
            )
            let stats = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(stats["run"]["records"].integer == 0)
            #expect(stats["run"]["buckets"].integer == 0)
            #expect(stats["standing"].text == "complete")
        }
    }

    @Test("The result goes to stdout and the progress to stderr; --quiet leaves only the result")
    func streams() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 200)
            try place.write(SpecFile())

            let end = try await place.backfill("run", "spec.yaml", "--quiet")

            expectComplete(end)
            #expect(end.notes == "")
            #expect(end.output.contains("200 of 200 records published"))
        }
    }

    @Test("A second run of a complete spec upserts what has changed in between")
    func secondRun() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 300)
            try place.write(SpecFile())
            expectComplete(try await place.backfill("run", "spec.yaml"))
            try await place.execute(
                "UPDATE person SET name = 'changed' WHERE id % 2 = 0; INSERT INTO person VALUES (301, 'new', NULL, 0.0)",
                on: "source.sqlite"
            )

            expectComplete(try await place.backfill("run", "spec.yaml"))

            let source = try await place.records(of: "person", in: "source.sqlite")
            #expect(try await place.records(of: "person", in: "target.sqlite") == source)
            let listed = try JSONResult(try await place.backfill("list", "--json"))
            #expect(listed.elements.count == 2)
            #expect(listed.elements.allSatisfy { $0["standing"].text == "complete" })
        }
    }

    @Test("A second run of an unfinished spec is refused with what to type, and --new begins it")
    func unfinished() async throws {
        try await Workplace.with { place in
            let run = try await place.failARun()
            let before = try await place.count("run", of: ".backfill/backfill.sqlite")

            let second = try await place.backfill("run", "spec.yaml")

            expectError(second, exit: 2, "backfill resume \(run)", "--new")
            #expect(try await place.count("run", of: ".backfill/backfill.sqlite") == before)
            expectComplete(try await place.backfill("run", "spec.yaml", "--new"))
            #expect(try await place.newestRun() != run)
        }
    }

    @Test("run --dry-run says what it would do and makes nothing")
    func dryRun() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 200)
            try place.write(SpecFile(sinks: [SpecFile.upsert(), SpecFile.file("all.ndjson")]))
            let before = try place.contents()

            let end = try await place.backfill("run", "spec.yaml", "--dry-run")
            let json = try JSONResult(try await place.backfill("run", "spec.yaml", "--dry-run", "--json"))

            expectComplete(end)
            #expect(end.output.contains("nothing was changed"))
            #expect(json["name"].text == "people")
            #expect(json["queries"][0]["key"].text == "id")
            #expect(try place.contents() == before)
        }
    }

    @Test("resume --dry-run says what is left and changes nothing")
    func resumeDryRun() async throws {
        try await Workplace.with { place in
            let run = try await place.failARun()
            let before = try await place.everythingKept()

            let end = try await place.backfill("resume", run, "--dry-run")
            let json = try JSONResult(try await place.backfill("resume", run, "--dry-run", "--json"))

            expectComplete(end)
            #expect(end.output.contains("would publish"))
            #expect(end.output.contains("nothing was changed"))
            #expect(!json.elements.isEmpty)
            #expect(try await place.everythingKept() == before)
            expectComplete(try await place.backfill("resume", run))
        }
    }

    @Test("plan shows even buckets and keeps nothing")
    func plan() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 1003)
            try place.write(SpecFile(more: ["buckets: 8", "batch: 100"]))
            let before = try place.contents()

            let json = try JSONResult(try await place.backfill("plan", "spec.yaml", "--json"))
            let end = try await place.backfill("plan", "spec.yaml")

            expectComplete(end)
            let sizes = try bucketSizes(json)
            #expect(sizes.count == 8)
            #expect(sizes.reduce(0, +) == 1003)
            #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
            #expect(try place.contents() == before)
        }
    }

    private func bucketSizes(_ plan: JSONResult) throws -> [Int] {
        plan["queries"][0]["buckets"].elements.compactMap { bucket in
            guard let first = bucket["first_ordinal"].integer, let end = bucket["end_ordinal"].integer else {
                return nil
            }
            return end - first
        }
    }
}
