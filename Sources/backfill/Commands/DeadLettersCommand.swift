import ArgumentParser
import BackfillKit

struct DeadLettersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters",
        abstract: "The messages that a sink refused.",
        subcommands: [List.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List a run's dead letters: which record, which sink, why.",
            discussion: "Without RUN, those of the newest run."
        )

        @Argument(help: ArgumentHelp("The run id; the newest run without it.", valueName: "run"))
        var run: String?

        @Option(help: ArgumentHelp("At most so many.", valueName: "count"))
        var limit: Int?

        @OptionGroup var state: StateOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let store = try state.requireStore()
            let runID = if let run { try await store.requireRun(run) } else { try await store.requireNewestRun() }
            let letters = try await store.deadLetters(of: runID, limit: limit)
            if output.isJSON {
                try Output.json(letters)
                return
            }
            guard !letters.isEmpty else {
                Output.note("run \(runID) has no dead letters")
                return
            }
            Output.result(
                Table.render(
                    letters,
                    [
                        .text("correlation id") { $0.correlationID },
                        .figure("ordinal") { Figures.count($0.ordinal) },
                        .figure("bucket") { "\($0.bucket)" },
                        .text("sink") { $0.subscription },
                        .text("error") { $0.error },
                    ]
                )
            )
        }
    }
}
