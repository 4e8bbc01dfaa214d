import ArgumentParser
import BackfillKit
import Foundation

struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "The runs of this state, newest first."
    )

    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let runs =
            if let store = try await state.storeIfThere() { try await ProgressReader(store).runs() } else {
                [RunProgress]()
            }
        // A process that was killed while it made the state folder leaves one without runs, and perhaps without histories.
        guard !runs.isEmpty else {
            if output.isJSON { try Output.json([RunProgress]()) } else { Output.note("no runs in \(state.shown) yet") }
            return
        }
        let client = try await state.openEngineForReading()
        var rows: [Row] = []
        for progress in runs {
            rows.append(Row(progress: progress, standing: try await RunStanding.of(progress, client: client)))
        }
        if output.isJSON {
            try Output.json(rows.map { Listed(run: $0.progress, standing: $0.standing.word) })
            return
        }
        Output.result(
            Table.render(
                rows,
                [
                    .text("run") { $0.progress.runID.rawValue },
                    .text("state") { $0.standing.word },
                    .figure("records") { $0.progress.records.map(Figures.count) ?? "–" },
                    .figure("published") { Figures.count($0.progress.published) },
                    .figure("dead letters") { Figures.count($0.progress.deadLettered) },
                    .figure("%") { $0.progress.perCent.map(Figures.perCent) ?? "–" },
                    .text("begun") { Figures.time(milliseconds: $0.progress.createdAt) },
                ]
            )
        )
    }

    private struct Row {
        var progress: RunProgress
        var standing: RunStanding
    }

    private struct Listed: Encodable {
        var run: RunProgress
        var standing: String
    }
}
