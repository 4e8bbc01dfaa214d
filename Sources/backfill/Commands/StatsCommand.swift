import ArgumentParser
import BackfillKit
import Foundation

struct StatsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "How far a run is, what failed, and what to do now.",
        discussion: """
            Answers from any process, while the run goes and after. The same figures come from plain SQL: see queries/progress*.sql.
            Without RUN it shows the newest one.
            """
    )

    @Argument(help: ArgumentHelp("The run id; the newest run without it.", valueName: "run"))
    var run: String?

    @Option(help: ArgumentHelp("Show one table only.", valueName: "level"))
    var by: Level?

    @Flag(help: "Show it again every second until the run ends.")
    var watch = false

    @Flag(help: "Print the figures as Prometheus reads them, for instance for its textfile collector.")
    var prometheus = false

    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions

    enum Level: String, ExpressibleByArgument, CaseIterable {
        case query, bucket, executor
    }

    func run() async throws {
        let store = try await state.requireStore()
        let client = try await state.openEngineForReading()
        let runID = if let run { try await store.requireRun(run) } else { try await store.requireNewestRun() }
        let clock = ContinuousClock()
        while true {
            let stats = try await RunStats.read(runID, store: store, client: client)
            if prometheus {
                Output.result(PrometheusText.text(of: stats))
            } else if output.isJSON {
                try Output.json(stats)
            } else {
                StatsReport.print(stats, by: by, redrawing: watch)
            }
            guard watch, case .working = stats.standing else { return }
            try await clock.sleep(for: .seconds(1))
        }
    }
}
