import ArgumentParser
import BackfillKit

struct DeadLettersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters",
        abstract: "The messages that a sink refused: look at them, publish them again, or let them go.",
        subcommands: [
            DeadLettersList.self, DeadLettersShow.self, DeadLettersExport.self, DeadLettersRedrive.self,
            DeadLettersDiscard.self,
        ]
    )
}

/// Which run's dead letters, and which of them.
struct DeadLetterOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("The run id; the newest run without it.", valueName: "run"))
    var run: String?

    @Option(help: ArgumentHelp("Only those of this query.", valueName: "name"))
    var query: String?

    @Option(help: ArgumentHelp("Only those of this bucket.", valueName: "number"))
    var bucket: Int?

    @Option(help: ArgumentHelp("Only those of this sink.", valueName: "name"))
    var sink: String?

    @Option(help: ArgumentHelp("Only this record.", valueName: "id"))
    var record: String?

    @Option(help: ArgumentHelp("Only those whose error holds this text.", valueName: "text"))
    var error: String?

    @OptionGroup var state: StateOptions

    var filter: DeadLetterFilter {
        DeadLetterFilter(query: query, bucket: bucket, subscription: sink, recordID: record, errorText: error)
    }

    /// Whether nothing narrows the choice.
    var isWhole: Bool { query == nil && bucket == nil && sink == nil && record == nil && error == nil }

    func runID(in store: RunStore) async throws -> RunID {
        if let run { try await store.requireRun(run) } else { try await store.requireNewestRun() }
    }

    /// The query's name by its id.
    static func names(of runID: RunID, in store: RunStore) async throws -> [QueryID: String] {
        Dictionary(uniqueKeysWithValues: try await store.queries(of: runID).map { ($0.queryID, $0.name) })
    }
}
