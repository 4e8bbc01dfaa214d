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

    @Option(
        help: ArgumentHelp(
            "A canary: only the first so many records of each query. A full run later leaves out what it has published, where a table is appended to.",
            valueName: "count"
        )
    )
    var limit: Int64?

    @Option(
        name: .customLong("only-keys"),
        help: ArgumentHelp("A canary: only records whose id is in this file, one a line.", valueName: "file")
    )
    var onlyKeys: String?

    @Flag(name: .customLong("repeat-canaries"), help: "Publish what canaries have published once more.")
    var repeatsCanaries = false

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

    func validate() throws {
        _ = try allowed()
        if let limit, limit < 1 { throw ValidationError("--limit takes a number of records, from 1.") }
        if limit != nil || onlyKeys != nil, isDryRun || maxDuration != nil {
            throw ValidationError(
                "--dry-run and --max-duration are about all records: take --limit and --only-keys out."
            )
        }
    }

    func run() async throws {
        let spec = try BackfillSpec.load(file: self.spec)
        let checked = try await SpecCheck.check(spec)
        let rehearsal = try await rehearse(spec, isReadable: !checked.isEmpty)
        if isDryRun {
            try SpecReport.print(spec, checked, rehearsal, json: output.isJSON)
            return
        }
        let part = try part()
        var state = state
        state.engine = state.engine ?? spec.engine
        let session = try await Session.open(state, running: spec, logger: logging.logger)
        let runID = try await session.backfill.create(
            spec,
            besideUnfinished: new,
            part: part,
            repeatingCanaries: repeatsCanaries,
            forecast: rehearsal?.forecast
        )
        Output.concerns(runID)
        if !quiet {
            Output.note("run \(runID)")
            if session.engine.isCluster { Output.note("its work is done by workers: backfill worker\(state.argument)") }
        }
        for canary in try await session.backfill.skippedCanaries(of: runID) {
            Output.note(
                "what canary \(canary) has published is left out, for all sinks; --repeat-canaries publishes it again"
            )
        }
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

    /// Which records a canary takes; nil for all.
    private func part() throws -> RecordPart? {
        guard limit != nil || onlyKeys != nil else { return nil }
        return RecordPart(limit: limit, keys: try onlyKeys.map { try keys(in: $0) })
    }

    private func keys(in file: String) throws -> [String] {
        guard let text = try? String(contentsOf: URL(filePath: file), encoding: .utf8) else {
            throw ValidationError("--only-keys: \(file) cannot be read as text. Check the path.")
        }
        let keys = text.split(whereSeparator: \.isNewline).map(String.init).filter { !$0.allSatisfy(\.isWhitespace) }
        if keys.isEmpty { throw ValidationError("--only-keys: \(file) holds no record id. Write one a line.") }
        return keys
    }
}
