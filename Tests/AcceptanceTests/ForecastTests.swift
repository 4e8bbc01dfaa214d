import Testing

@Suite("Before a run begins, a person can see what it would do and how long it would take")
struct ForecastTests {
    @Test("run --dry-run shows the plan and ten messages as the subscribers would get them")
    func dryRun() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 200)
            try place.write(SpecFile())
            let before = try place.contents()

            let end = try await place.backfill("run", "spec.yaml", "--dry-run")
            let json = try JSONResult(try await place.backfill("run", "spec.yaml", "--dry-run", "--json"))

            expectComplete(end)
            #expect(end.output.contains("200 records in 4 buckets"))
            #expect(end.output.contains("etl-QUERY-EXECUTION-200"))
            #expect(end.output.contains(#""name":"Zoë \"200\" O'Brien""#))
            #expect(end.output.hasSuffix("nothing was changed\n"))
            #expect(json["plan"][0]["buckets"].elements.count == 4)
            let messages = json["messages"].elements
            #expect(messages.count == 10)
            #expect(messages.first?["attributes"]["record_id"].text == "1")
            #expect(messages.last?["attributes"]["bucket"].integer == 4)
            #expect(messages.last?["correlation_id"].text == "etl-QUERY-EXECUTION-200")
            #expect(try place.contents() == before)
        }
    }

    @Test("A dry run that a hook on the source keeps from reading says so")
    func unreadable() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 10)
            try place.write(
                SpecFile(
                    sql: "SELECT id FROM made_by_hook",
                    more: [
                        "before: {sql: CREATE TABLE made_by_hook (id INTEGER PRIMARY KEY), on: source}"
                    ]
                )
            )

            let end = try await place.backfill("run", "spec.yaml", "--dry-run")

            expectComplete(end)
            #expect(end.output.contains("which a hook on the source has to run before"))
            expectError(
                try await place.backfill("run", "spec.yaml", "--max-duration", "1h"),
                exit: 2,
                "--max-duration",
                "hook"
            )
            #expect(!place.exists(".backfill"))
        }
    }

    @Test("plan --time says how long a run would take and leaves nothing in the sinks")
    func time() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 1000)
            try place.write(SpecFile(sinks: [SpecFile.upsert(), SpecFile.append("log"), SpecFile.file("all.csv")]))
            let before = try place.contents()

            let end = try await place.backfill("plan", "spec.yaml", "--time")
            let json = try JSONResult(try await place.backfill("plan", "spec.yaml", "--time", "--json"))

            expectComplete(end)
            #expect(end.output.contains("forecast: "))
            #expect(json["forecast"]["records"].integer == 1000)
            #expect(json["forecast"].keys.isSuperset(of: ["staging_seconds", "publishing_seconds", "working_seconds"]))
            #expect(try place.contents() == before)
        }
    }

    @Test("run --max-duration does not begin a run that would take longer, and says what to do")
    func tooLong() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 1000)
            try place.write(SpecFile(more: ["buckets: 4", "batch: 100", "pace: 1/s"]))
            let before = try place.contents()

            let end = try await place.backfill("run", "spec.yaml", "--max-duration", "5m")

            expectError(
                end,
                exit: 2,
                "about 17 min",
                "allows 5m",
                "`pace`",
                "raise --max-duration",
                "Nothing was begun"
            )
            expectError(try await place.backfill("run", "spec.yaml", "--max-duration", "5"), exit: 2, "no unit of time")
            #expect(try place.contents() == before)
        }
    }

    @Test("A run within --max-duration keeps its forecast, and the report compares it with the fact")
    func compared() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 1000)
            try place.write(SpecFile())

            let end = try await place.backfill("run", "spec.yaml", "--max-duration", "1h")

            expectComplete(end)
            #expect(end.output.contains("forecast a few seconds, took "))
            #expect(end.output.contains("the last bucket finished "))
            let stats = try await place.backfill("stats")
            #expect(
                stats.output.contains("forecast a few seconds, took ")
                    && stats.output.contains("the last bucket finished ")
            )
            let json = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(json["run"].keys.isSuperset(of: ["forecast_seconds", "bucket_spread_seconds", "seconds_worked"]))
        }
    }

    @Test("A run without a forecast and with one bucket says nothing of either")
    func silent() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 10)
            try place.write(SpecFile(more: ["buckets: 1"]))

            let end = try await place.backfill("run", "spec.yaml")

            expectComplete(end)
            #expect(!end.output.contains("forecast") && !end.output.contains("the last bucket"))
        }
    }
}
