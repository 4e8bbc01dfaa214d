import Testing

@Suite("A bucket that fails does not stop the others, and is carried on alone from its checkpoint")
struct FailedBucketTests {
    @Test(
        "The others finish; exit 1; the last line is the command that mends it; resume --bucket does only that bucket",
        arguments: Engine.available
    )
    func oneBucket(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            try await place.makeSource(records: Mishap.records)
            try place.write(Mishap.spec)
            try await place.breakSecondSink()

            let failed = try await place.backfill("run", "spec.yaml")

            let run = try await place.newestRun()
            #expect(failed.status == .exit(1), "\(failed.all)")
            #expect(failed.lastNote == "next: backfill resume \(run) --bucket \(Mishap.bucket)")
            expectPlainWords(failed)
            var stats = try JSONResult(try await place.backfill("stats", run, "--json"))
            #expect(stats["standing"].text == "incomplete")
            #expect(stats["next_step"].text == "backfill resume \(run) --bucket \(Mishap.bucket)")
            #expect(
                stats["buckets"].elements.map { $0["state"].text } == ["complete", "complete", "failed", "complete"]
            )
            #expect(stats["buckets"][2]["next_ordinal"].integer == Mishap.checkpoint)
            #expect(stats["buckets"][2]["retries"].integer == 2)
            #expect(
                try await place.count("log", of: "second.sqlite") == Mishap.records
                    - (Mishap.lastOfBucket - Mishap.checkpoint + 1)
            )
            let executions = stats["executors"].elements.count

            try await place.mendSecondSink()
            let wrong = try await place.backfill("resume", run, "--bucket", "2")
            expectError(wrong, exit: 2, "Bucket 2", "complete")
            expectError(try await place.backfill("resume", run, "--bucket", "9"), exit: 2, "4 buckets", "no bucket 9")
            let resumed = try await place.backfill("resume", run, "--bucket", "\(Mishap.bucket)")

            expectComplete(resumed)
            stats = try JSONResult(try await place.backfill("stats", run, "--json"))
            #expect(stats["standing"].text == "complete")
            #expect(stats["executors"].elements.count == executions + 1, "only the failed bucket got an executor")
            let again = stats["executors"].elements.filter { $0["bucket"].integer == Mishap.bucket }.last
            #expect(again?["first_ordinal"].integer == Mishap.checkpoint)
            let source = try await place.records(of: "person", in: "source.sqlite")
            #expect(try await place.records(of: "log", in: "second.sqlite") == source)
            #expect(try await place.records(of: "person", in: "target.sqlite") == source)
        }
    }

    @Test("History shows each failed attempt and its cause", arguments: Engine.available)
    func attempts(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            let run = try await place.failARun()

            let history = try await place.backfill("history", "\(run)/all/\(Mishap.bucket)")

            expectComplete(history)
            #expect(history.output.contains("attempt 1 of PublishBatch"))
            #expect(history.output.contains("attempt 2 of PublishBatch"))
            #expect(history.output.contains("malformed"), "the cause: \(history.output)")
        }
    }

    @Test(
        "With several executors at once, every record arrives once after the cause is mended",
        arguments: Engine.available
    )
    func besideOthers(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            try await place.makeSource(records: Mishap.records)
            var spec = Mishap.spec
            spec.more = [
                "buckets: 4", "batch: 50", "executors: 4", "retry: {maximum-attempts: 4, initial-interval: 10ms}",
            ]
            try place.write(spec)
            try await place.breakSecondSink()

            let failed = try await place.backfill("run", "spec.yaml")

            #expect(failed.status == .exit(1), "\(failed.all)")
            let stats = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(stats["buckets"][2]["state"].text == "failed")
            try await place.mendSecondSink()
            expectComplete(try await place.backfill("resume", try await place.newestRun()))
            let source = try await place.records(of: "person", in: "source.sqlite")
            #expect(try await place.records(of: "log", in: "second.sqlite") == source)
        }
    }
}
