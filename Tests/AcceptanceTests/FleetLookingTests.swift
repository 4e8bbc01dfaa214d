import Foundation
import TestSupport
import Testing

@Suite(
    "A run on a Temporal cluster is found and looked at with Temporal's own tools",
    .enabled(if: TestTemporal.isThere),
    .timeLimit(.minutes(5))
)
struct FleetLookingTests {
    /// Temporal's own command, with JSON as its result.
    private func temporal(_ arguments: String...) async throws -> JSONResult {
        let address = try #require(TestTemporal.address).split(separator: "/")[1]
        let program = try await TemporalServer.program()
        let end = try await CommandLineTool.run(
            [program, "workflow"] + arguments + ["--address", String(address), "--output", "json"]
        )
        try #require(end.status == 0, "\(end.output)")
        return try JSONResult(text: end.output)
    }

    @Test(
        "Memos name run, spec, pass, query and bucket in every execution, and the query `progress` tells how far each is"
    )
    func looked() async throws {
        let address = try #require(TestTemporal.address)
        try await Workplace.with { place in
            // At this pace for more than a minute and a half: on a busy machine each of Temporal's answers may take seconds.
            try await place.makeSource(records: 40_000)
            try place.write(
                SpecFile(more: ["buckets: 2", "batch: 20", "pace: 400/s", "history-limit: 100", "executors: 2"])
            )
            let workers = Workers(in: place.folder, options: Workplace.mortal)
            defer { for worker in workers.running { worker.send(SIGKILL) } }
            try workers.start(engine: address)
            let program = try place.start("run", "spec.yaml", "--engine", address)
            try await place.untilPublished(1, program)
            let run = try await place.newestRun()
            let query = try #require(
                try await place.value("SELECT query_id FROM query", of: ".backfill/backfill.sqlite", as: String.self)
            )

            let described = try await temporal("describe", "--workflow-id", run)["workflowExecutionInfo"]["memo"][
                "fields"
            ]
            #expect(described["run"].text == run)
            #expect(described["spec"].text?.hasSuffix("/spec.yaml") == true)
            #expect(described["pass"].text == "1")

            let whole = try await temporal("query", "--workflow-id", run, "--type", "progress")["queryResult"]
            #expect(whole[0]["run"].text == run && whole[0]["stage"].text == "publishing")
            #expect(whole[0]["queries"][0]["name"].text == "all" && whole[0]["queries"][0]["query_id"].text == query)
            #expect(whole[0]["queries"][0]["open"].elements.compactMap(\.integer) == [1, 2])

            // A bucket's chain has handed over by then; its new execution says from the start where it goes on.
            try await place.untilPublished(2_000, program)
            let part = try await temporal("query", "--workflow-id", "\(run)/all/2", "--type", "progress")["queryResult"]
            #expect(part[0]["bucket"].integer == 2 && part[0]["query_id"].text == query)
            #expect(part[0]["end"].integer == 40_001 && part[0]["next"].integer ?? 0 > 20_001)
            #expect(part[0]["batches"].integer ?? 0 > 1 && part[0]["dead_lettered"].integer == 0)

            expectComplete(try await place.backfill("pause", run))
            try await place.until("the orchestrator's word for it", program) {
                try await temporal("query", "--workflow-id", run, "--type", "progress")["queryResult"][0]["paused"]
                    .truth
                    == true
            }
            expectComplete(try await place.backfill("throttle", run, "--rate", "none"))
            expectComplete(try await place.backfill("resume", run))
            expectComplete(try await program.wait())

            let chain = "WorkflowId = '\(run)/all/1'"
            var executions: [JSONResult] = []
            try await place.until("the list of the chain") {
                executions = try await temporal("list", "--query", chain).elements
                return executions.contains { $0["status"].text == "WORKFLOW_EXECUTION_STATUS_COMPLETED" }
            }
            #expect(executions.count > 1, "a chain of executions")
            for execution in executions {
                let fields = execution["memo"]["fields"]
                #expect(fields["run"].text == run && fields["query"].text == "all", "\(fields)")
                #expect(fields["query_id"].text == query && fields["bucket"].text == "1", "\(fields)")
            }

            // What is closed answers as well, as long as a worker is there.
            let last = try await temporal("query", "--workflow-id", run, "--type", "progress")["queryResult"]
            #expect(last[0]["stage"].text == "finishing")
            _ = try await workers.stop()
        }
    }
}
