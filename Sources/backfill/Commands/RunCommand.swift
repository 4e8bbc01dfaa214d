import ArgumentParser
import BackfillKit
import Foundation

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a backfill from its first record to its last.",
        discussion: """
            Checks the spec, its SQL and its sinks before anything is written. While an earlier run of the same spec is not complete,
            a second one is refused: carry the first on with `backfill resume`, or say --new.
            """
    )

    @Argument(help: ArgumentHelp("The YAML file that describes the backfill.", valueName: "spec"))
    var spec: String

    @Flag(help: "Begin a second run even though an earlier one of this spec is not complete.")
    var new = false

    @Flag(name: .customLong("dry-run"), help: "Check everything, say what a run would do, and change nothing.")
    var isDryRun = false

    @Flag(name: .shortAndLong, help: "No progress while it runs, only the report.")
    var quiet = false

    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var logging: LogOptions

    func run() async throws {
        let spec = try BackfillSpec.load(file: self.spec)
        let checked = try await SpecCheck.check(spec)
        if isDryRun {
            try SpecReport.print(spec, checked, json: output.isJSON)
            return
        }
        let session = try await Session.open(state.url, logger: logging.logger)
        let runID = try await session.create(spec, besideUnfinished: new)
        if !quiet { Output.note("run \(runID)") }
        let end = try await session.carry(runID, display: LiveProgress(isQuiet: quiet)) {
            try await session.backfill.start(runID)
        }
        try await RunReport.finish(runID, end, session: session, state: state, json: output.isJSON)
    }
}

extension Session {
    /// Stores the run; says who is at work when an unfinished run of the same spec is in the way.
    func create(_ spec: BackfillSpec, besideUnfinished: Bool) async throws -> RunID {
        try await backfill.create(spec, besideUnfinished: besideUnfinished)
    }
}
