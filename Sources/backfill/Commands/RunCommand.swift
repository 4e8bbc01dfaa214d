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
        let part = try part()
        let session = try await Session.open(state.url, logger: logging.logger)
        let runID = try await session.backfill.create(
            spec,
            besideUnfinished: new,
            part: part,
            repeatingCanaries: repeatsCanaries
        )
        if !quiet { Output.note("run \(runID)") }
        for canary in try await session.backfill.skippedCanaries(of: runID) {
            Output.note("what canary \(canary) has published is left out, for all sinks; --repeat-canaries publishes it again")
        }
        let end = try await session.carry(runID, display: LiveProgress(isQuiet: quiet)) {
            try await session.backfill.start(runID)
        }
        try await RunReport.finish(runID, end, session: session, state: state, json: output.isJSON)
    }

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit takes a number of records, from 1.") }
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
