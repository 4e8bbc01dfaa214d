import Testing

@Suite("Near the history limit an executor hands over to the next execution of its chain")
struct HistoryLimitTests {
    @Test(
        "Every executor is a chain, no execution is over the limit, no record is lost or doubled",
        arguments: Engine.each([100, 300], onCluster: 1)
    )
    func chains(engine: Engine, limit: Int) async throws {
        try await Workplace.with(on: engine, workers: ["--batches-per-activity", "2"]) { place in
            let records = engine == .embedded ? 12_000 : 4_800
            try await place.makeSource(records: records)
            try place.write(
                SpecFile(
                    sinks: [SpecFile.upsert("upserted"), SpecFile.append("appended")],
                    more: ["buckets: 3", "batch: 20", "history-limit: \(limit)"]
                )
            )

            expectComplete(try await place.backfill("run", "spec.yaml"))

            let source = try await place.records(of: "person", in: "source.sqlite")
            #expect(try await place.records(of: "upserted", in: "target.sqlite") == source)
            #expect(try await place.records(of: "appended", in: "target.sqlite") == source)
            let run = try await place.newestRun()
            #expect(try await place.longestHistory(of: [run] + (1...3).map { "\(run)/all/\($0)" }) <= limit)
            try await expectChains(place, run, records: records, limit: limit)
            let children = try JSONResult(try await place.backfill("history", run, "--json")).elements.flatMap {
                $0["lines"].elements
            }
            .filter { $0["what"].text?.hasPrefix("StartChildWorkflowExecutionInitiated") == true }
            #expect(children.count == 3, "the orchestrator sees one child for each bucket")
        }
    }

    /// `stats` and `history` tell of the same chains, without a gap between their links.
    private func expectChains(_ place: Workplace, _ run: String, records: Int, limit: Int) async throws {
        let stats = try JSONResult(try await place.backfill("stats", run, "--json"))
        let table = try await place.backfill("stats", run, "--by", "executor")
        for bucket in 1...3 {
            let chain = stats["executors"].elements.filter { $0["bucket"].integer == bucket }
            // A batch takes four events; on a cluster two share six.
            #expect(chain.count >= records / 3 / 20 * (place.engine == .embedded ? 4 : 3) / limit)
            #expect(chain.count > 1)
            #expect(chain.map { $0["link"].integer } == Array(1...chain.count))
            for (one, next) in zip(chain, chain.dropFirst()) {
                #expect(one["next_ordinal"].integer == next["first_ordinal"].integer)
            }
            #expect(chain.compactMap { $0["settled"].integer }.reduce(0, +) == records / 3)
            let histories = try JSONResult(try await place.backfill("history", "\(run)/all/\(bucket)", "--json"))
            let ids = chain.compactMap { $0["execution_id"].text }
            #expect(histories.elements.compactMap { $0["execution_id"].text } == ids)
            for id in ids { #expect(table.output.contains(id)) }
            for history in histories.elements.dropLast() {
                #expect(history["lines"].elements.last?["what"].text?.contains("ContinuedAsNew") == true)
            }
        }
    }

    @Test("An orchestrator of many buckets continues as new as well", arguments: Engine.available)
    func manyBuckets(engine: Engine) async throws {
        try await Workplace.with(on: engine) { place in
            let buckets = engine == .embedded ? 90 : 40
            try await place.makeSource(records: buckets * 10)
            try place.write(
                SpecFile(
                    sinks: [SpecFile.append("appended")],
                    more: ["buckets: \(buckets)", "batch: 10", "history-limit: 100"]
                )
            )

            expectComplete(try await place.backfill("run", "spec.yaml"))

            let source = try await place.records(of: "person", in: "source.sqlite")
            #expect(try await place.records(of: "appended", in: "target.sqlite") == source)
            let run = try await place.newestRun()
            #expect(try await place.longestHistory(of: [run]) <= 100)
            let histories = try JSONResult(try await place.backfill("history", run, "--json"))
            #expect(histories.elements.count > 1)
        }
    }
}
