import ArgumentParser
import BackfillKit
import Foundation

struct RunCommand: AsyncParsableCommand, LoggingCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a backfill from its first record to its last.",
        discussion: """
            Checks the spec, its SQL and its sinks before anything is written. While an earlier run of the same spec is not complete,
            a second one is refused: carry the first on with `backfill resume`, or say --new.
            With --max-duration everything is staged twice: first in a temporary folder for the forecast, which times samples as
            `backfill plan --time` does, then for the run.
            """
    )

    @Argument(help: ArgumentHelp("The YAML file that describes the backfill.", valueName: "spec"))
    var spec: String

    @Flag(help: "Begin a second run even though an earlier one of this spec is not complete.")
    var new = false

    @Flag(
        name: .customLong("dry-run"),
        help: "Do everything but the sinks, show the plan and ten messages, and keep nothing."
    )
    var isDryRun = false

    @Option(
        name: .customLong("max-duration"),
        help: ArgumentHelp(
            "Do not begin a run that would take longer, such as 6h: from its start to its end.",
            valueName: "time"
        )
    )
    var maxDuration: String?

    @Flag(name: .shortAndLong, help: "No progress while it runs, only the report.")
    var quiet = false

    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var logging: LogOptions

    func validate() throws { _ = try allowed() }

    func run() async throws {
        let spec = try BackfillSpec.load(file: self.spec)
        let checked = try await SpecCheck.check(spec)
        let rehearsal = try await rehearse(spec, isReadable: !checked.isEmpty)
        if isDryRun {
            try SpecReport.print(spec, checked, rehearsal, json: output.isJSON)
            return
        }
        let session = try await Session.open(state.url, logger: logging.logger)
        let runID = try await session.create(spec, besideUnfinished: new, forecast: rehearsal?.forecast)
        Output.concerns(runID)
        if !quiet { Output.note("run \(runID)") }
        let end = try await session.carry(runID, display: LiveProgress(isQuiet: quiet)) {
            try await session.backfill.start(runID)
        }
        try await RunReport.finish(runID, end, session: session, state: state, json: output.isJSON)
    }

    /// What a dry run shows and --max-duration needs; nil when nobody asks, or a hook has to run before the queries can be read.
    private func rehearse(_ spec: BackfillSpec, isReadable: Bool) async throws -> Rehearsal? {
        guard isDryRun || maxDuration != nil else { return nil }
        guard isReadable else {
            if maxDuration == nil { return nil }
            throw ValidationError(
                "--max-duration needs to read the queries, and a `before` hook on the source has to run first."
            )
        }
        let wishes = Rehearsal.Wishes(forecast: maxDuration != nil, messages: isDryRun ? SpecReport.messagesShown : 0)
        let rehearsal = try await Interruption.cancelling { try await Rehearsal(of: spec, wishes) }
        if let maxDuration, let allowed = try allowed(), let forecast = rehearsal.forecast, forecast.exceeds(allowed) {
            throw TooLong(forecast: forecast, limit: maxDuration)
        }
        return rehearsal
    }

    private func allowed() throws -> Duration? {
        do {
            return try maxDuration.map(Quantity.duration)
        } catch {
            throw ValidationError("--max-duration: \(error)")
        }
    }
}

extension Session {
    /// Stores the run; says who is at work when an unfinished run of the same spec is in the way.
    func create(_ spec: BackfillSpec, besideUnfinished: Bool, forecast: Forecast?) async throws -> RunID {
        try await backfill.create(spec, besideUnfinished: besideUnfinished, forecast: forecast)
    }
}
