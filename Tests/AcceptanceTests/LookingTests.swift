import Testing

@Suite("list, stats, history and trace tell of a run, to people and as JSON")
struct LookingTests {
    @Test("One complete run, looked at from every side")
    func complete() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 400)
            try place.write(SpecFile())
            let json = try JSONResult(try await place.backfill("run", "spec.yaml", "--json"))
            let run = try #require(json["run"]["run_id"].text)
            #expect(json["run"]["published"].integer == 400)

            let list = try await place.backfill("list")
            expectComplete(list)
            #expect(list.output.contains(run) && list.output.contains("complete") && list.output.contains("400"))
            let stats = try await place.backfill("stats")
            expectComplete(stats)
            #expect(stats.output.contains("100.0 %: 400 of 400 records published"))
            for level in ["query", "bucket", "executor"] {
                expectComplete(try await place.backfill("stats", run, "--by", level))
            }
            expectError(try await place.backfill("stats", run, "--by", "bukket"), exit: 2, "bukket")
            try await expectTraces(place, run)
            try await expectHistory(place, run)
        }
    }

    private func expectTraces(_ place: Workplace, _ run: String) async throws {
        let bare = try JSONResult(try await place.backfill("trace", "123", "--json"))
        #expect(bare.elements.count == 1)
        #expect(bare[0]["kind"].text == "record")
        #expect(bare[0]["record"]["ordinal"].integer == 123)
        #expect(bare[0]["record"]["bucket"].integer == 2)
        #expect(bare[0]["record"]["state"].text == "settled")
        let correlation = try #require(bare[0]["record"]["correlation_id"].text)
        let query = try #require(bare[0]["query_id"].text)
        let execution = try #require(bare[0]["record"]["execution_id"].text)
        #expect(correlation == "etl-\(query)-\(execution)-123")

        let byCorrelation = try JSONResult(try await place.backfill("trace", correlation, "--payload", "--json"))
        #expect(byCorrelation[0]["record"]["record_id"].text == "123")
        #expect(byCorrelation[0]["record"]["payload"].text?.contains("Zoë") == true)
        let byQuery = try JSONResult(try await place.backfill("trace", query, "--json"))
        #expect(byQuery[0]["kind"].text == "query")
        #expect(byQuery[0]["progress"]["published"].integer == 400)
        let byExecution = try JSONResult(try await place.backfill("trace", execution, "--json"))
        #expect(byExecution[0]["kind"].text == "execution")
        #expect(byExecution[0]["execution"]["bucket"].integer == 2)
        for id in ["123", correlation, query, execution] {
            let text = try await place.backfill("trace", id)
            expectComplete(text)
            #expect(text.output.contains(run) && text.output.contains(query))
        }
        expectError(try await place.backfill("trace", "999999"), exit: 1, "nothing is known of", "999999")
        #expect(try await place.backfill("trace", "123", "--run", "nope").status == .exit(2))
    }

    private func expectHistory(_ place: Workplace, _ run: String) async throws {
        let orchestrator = try await place.backfill("history", run)
        expectComplete(orchestrator)
        for event in ["WorkflowExecutionStarted", "StartChildWorkflowExecutionInitiated", "WorkflowExecutionCompleted"]
        {
            #expect(orchestrator.output.contains(event))
        }
        let executor = try JSONResult(try await place.backfill("history", "\(run)/all/1", "--payloads", "--json"))
        #expect(executor.elements.count == 1)
        let id = try #require(executor[0]["execution_id"].text)
        let byExecution = try JSONResult(try await place.backfill("history", id, "--json"))
        #expect(byExecution[0]["execution_id"].text == id)
        #expect(byExecution[0]["lines"].elements.count == executor[0]["lines"].elements.count)
        expectError(try await place.backfill("history", "nope"), exit: 2, "no execution nope", "backfill list")
    }

    @Test("Where there is no run, every command says how to start one and makes nothing")
    func nothingThere() async throws {
        try await Workplace.with { place in
            for arguments in [
                ["stats"], ["stats", "x"], ["resume", "x"], ["history", "x"], ["trace", "x"], ["dead-letters", "list"],
            ] {
                let end = try await BuiltProgram.start(arguments, in: place.folder).wait()
                expectError(end, exit: 2, "no runs", "backfill run SPEC")
            }
            let list = try await place.backfill("list")
            expectComplete(list)
            #expect(list.notes.contains("no runs"))
            #expect(try JSONResult(try await place.backfill("list", "--json")).elements.isEmpty)
            #expect(try place.contents().isEmpty)
        }
    }

    @Test("Another state folder is named in the command that carries a run on")
    func otherStateFolder() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: Mishap.records)
            try place.write(Mishap.spec)
            try await place.breakSecondSink()

            let failed = try await place.backfill("run", "spec.yaml", "--state", "kept here")

            #expect(failed.status == .exit(1), "\(failed.all)")
            #expect(!place.exists(".backfill"))
            #expect(failed.lastNote.hasSuffix("--bucket \(Mishap.bucket) --state 'kept here'"), "\(failed.lastNote)")
        }
    }
}
