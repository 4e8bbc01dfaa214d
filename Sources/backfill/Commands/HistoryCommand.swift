import ArgumentParser
import BackfillKit
import Foundation
import Workflows

struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "The events of an execution, with the failed attempts of its activities.",
        discussion: "Given a run id, it shows the orchestrator's chain; given RUN/QUERY/BUCKET, an executor's chain."
    )

    @Argument(help: ArgumentHelp("An execution id, a run id, or RUN/QUERY/BUCKET.", valueName: "execution"))
    var execution: String

    @Flag(help: "Show inputs and results too.")
    var payloads = false

    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        _ = try await state.requireStore()
        let client = try await state.openEngineForReading()
        let chain = try await client.chain(of: execution)
        let ids = chain.isEmpty ? [execution] : chain.map(\.executionID)
        var histories: [ExecutionHistory] = []
        for id in ids { histories.append(try await ExecutionHistory.read(id, client: client)) }
        guard histories.contains(where: { !$0.lines.isEmpty }) else {
            Output.note(
                "error: there is no execution \(execution) here. See the runs with: backfill list, and executions with: backfill stats RUN --by executor"
            )
            throw ExitCode(ExitStatus.usage)
        }
        if output.isJSON {
            try Output.json(histories)
        } else {
            HistoryReport.print(histories, chain: chain, payloads: payloads)
        }
    }
}
