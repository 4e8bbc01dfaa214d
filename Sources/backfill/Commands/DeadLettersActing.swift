import ArgumentParser
import BackfillKit
import Foundation

struct DeadLettersRedrive: AsyncParsableCommand, LoggingCommand {
    static let configuration = CommandConfiguration(
        commandName: "redrive",
        abstract: "Publish dead letters again, each to the sink that refused it.",
        discussion: """
            Through the same topic, with the same guarantees, paces and probes. A record that arrives leaves the list; one that is refused
            again stays with its new error. With --from the records are published as the file has them (see `dead-letters export`).
            """
    )

    @Option(help: ArgumentHelp("Only those in this file, with the values that were changed in it.", valueName: "file"))
    var from: String?

    @Flag(name: .customLong("dry-run"), help: "Say what would be published, and change nothing.")
    var isDryRun = false

    @Flag(name: .shortAndLong, help: "No progress while it runs, only the report.")
    var quiet = false

    @OptionGroup var options: DeadLetterOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var logging: LogOptions

    func run() async throws {
        let reading = try await options.state.requireStore()
        let runID = try await options.runID(in: reading)
        Output.concerns(runID)
        let mended = try from.map { try DeadLetterLine.read(URL(filePath: $0)) }
        let letters = try await reading.deadLetters(of: runID, options.filter)
        if isDryRun {
            Output.result(
                "would publish \(mended?.count ?? letters.count) dead letters of run \(runID) again; nothing was changed"
            )
            return
        }
        let session = try await Session.open(options.state, logger: logging.logger)
        let (backfill, filter) = (session.backfill, options.filter)
        let end = try await session.carry(runID, display: LiveProgress(isQuiet: quiet)) {
            let count = try await backfill.redrive(filter, of: runID, mended: mended)
            if !quiet { Output.note("run \(runID): \(count) dead letters again") }
        }
        try await RunReport.finish(runID, end, session: session, state: options.state, json: output.isJSON)
    }
}

struct DeadLettersDiscard: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discard",
        abstract: "Say that records need not arrive: their dead letters count no more.",
        discussion: "They are kept, with who discarded them: see `dead-letters list --discarded`."
    )

    @Flag(help: "All of the run's dead letters.")
    var all = false

    @Flag(name: .customLong("dry-run"), help: "Say how many it would be, and change nothing.")
    var isDryRun = false

    @OptionGroup var options: DeadLetterOptions

    func validate() throws {
        if options.isWhole != all {
            throw ValidationError(
                all ? "--all goes alone." : "Say which: --query, --bucket, --sink, --record, --error, or --all."
            )
        }
    }

    func run() async throws {
        let reading = try await options.state.requireStore()
        let runID = try await options.runID(in: reading)
        if isDryRun {
            let count = try await reading.deadLetters(of: runID, options.filter).count
            Output.result("would discard \(count) dead letters of run \(runID); nothing was changed")
            return
        }
        let store = try await OpenState.forWork(options.state).store
        let count = try await store.discard(options.filter, of: runID, by: Person.name)
        Output.result("\(count) dead letters of run \(runID) discarded")
        if try await store.run(runID)?.state == .incomplete {
            Output.note("next: backfill resume \(runID)\(options.state.argument)")
        }
    }
}
