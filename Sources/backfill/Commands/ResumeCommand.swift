import ArgumentParser
import BackfillKit
import Foundation

struct ResumeCommand: AsyncParsableCommand, LoggingCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Carry on a run that was paused, interrupted, or that failed in part, from its checkpoints.",
        discussion: """
            Without --bucket, everything that is unfinished is carried on; with it, that one failed bucket alone. A run that is at work and
            paused goes on. One that was paused when its process ended is carried on paused: say `resume` once more from another terminal.
            """
    )

    @Argument(help: ArgumentHelp("The run id (see `backfill list`).", valueName: "run"))
    var run: String

    @Option(help: ArgumentHelp("Only this failed bucket.", valueName: "number"))
    var bucket: Int?

    @Option(help: ArgumentHelp("The query whose bucket it is, when the run has several.", valueName: "name"))
    var query: String?

    @Option(
        help: ArgumentHelp(
            "Take the spec anew from this file: its limits hold from now on, and what a query with mended SQL has not published is staged again.",
            valueName: "file"
        )
    )
    var spec: String?

    @Flag(
        name: .customLong("repeat-changed"),
        help:
            "Publish again what a bucket failed for because its source changed where a batch was broken off (`stage: direct`)."
    )
    var repeatsChanged = false

    @Flag(name: .customLong("dry-run"), help: "Check what is left to do, say it, and change nothing.")
    var isDryRun = false

    @Flag(name: .shortAndLong, help: "No progress while it runs, only the report.")
    var quiet = false

    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var logging: LogOptions

    func validate() throws {
        if let bucket, bucket < 1 { throw ValidationError("--bucket takes a bucket's number, from 1.") }
        if query != nil, bucket == nil { throw ValidationError("--query goes with --bucket.") }
        if spec != nil, repeatsChanged { throw ValidationError("--repeat-changed goes without --spec.") }
        if spec != nil, bucket != nil { throw ValidationError("--spec is for the whole run: take --bucket out.") }
    }

    func run() async throws {
        let store = try await state.requireStore()
        let runID = try await store.requireRun(run)
        Output.concerns(runID)
        let progress = try await ProgressReader(store).runs(runID).first
        let mended = try spec.map { try BackfillSpec.load(file: $0) }
        if bucket == nil, mended == nil, progress?.pausedBy != nil, try await isAtWork(runID, store) {
            var arguments = [run]
            if let place = state.given { arguments += ["--state", place] }
            if let engine = state.engine { arguments += ["--engine", engine] }
            if isDryRun { arguments.append("--dry-run") }
            if output.isJSON { arguments.append("--json") }
            let target = try ControlTarget.parse(arguments)
            try await target.send(.resume)
            return
        }
        // On clients that only read: what is refused has changed nothing, and waits for no lock of the process that is at work.
        let reading = try await Session.backfill(on: OpenState.forReading(state), state, logger: logging.logger)
        let planned =
            try await reading
            .planResumption(of: runID, bucket: bucket, query: query, endingPass: mended != nil)
        if isDryRun {
            try await ResumptionReport.print(runID, planned, store: store, json: output.isJSON)
            return
        }
        if let mended {
            try await EngineChoice.of(state.place(), given: state.engine).requireFitting(mended)
            try await reading.requireAmendable(runID, with: mended)
            _ = try await SpecCheck.queries(of: mended)
        }
        if mended != nil, planned == .takeOver { try await endPass(of: runID, planned) }
        let resumption = mended == nil ? planned : .restart(only: nil)
        let session = try await Session.open(state, logger: logging.logger)
        if let mended {
            let amendment = try await session.backfill.amend(runID, with: mended, by: Person.name)
            for name in amendment.restaged {
                Output.note("query \(name) is staged again for what it has not published")
            }
            for name in amendment.leftAlone {
                Output.note("query \(name) has published everything: its mended SQL is not run")
            }
        }
        if !quiet {
            Output.note("run \(runID), from its checkpoints")
            if session.engine.isCluster { Output.note("its work is done by workers: backfill worker\(state.argument)") }
        }
        if let person = progress?.pausedBy {
            Output.note(
                "still paused, by \(person); let it go on from another terminal: backfill resume \(runID)\(state.argument)"
            )
        }
        let end = try await session.carry(runID, display: LiveProgress(isQuiet: quiet)) {
            try await session.backfill.resume(runID, resumption, repeatingChanged: repeatsChanged)
        }
        try await RunReport.finish(runID, end, session: session, state: state, json: output.isJSON)
    }

    /// Brings a pass that was cut off, or that a cluster's workers are at, to its end without publishing anything more, so that the spec can be
    /// taken anew.
    private func endPass(of runID: RunID, _ resumption: Backfill.Resumption) async throws {
        let session = try await Session.open(state, logger: logging.logger)
        if session.engine.isCluster, !quiet {
            Output.note(
                "run \(runID): its workers settle what is in flight; where there is none, one has to: backfill worker\(state.argument)"
            )
        }
        let end = try await session.carry(runID, display: LiveProgress(isQuiet: true)) {
            let stop = ControlCommand(.stop("its spec is taken anew"), Person.request)
            _ = try await session.backfill.command(stop, to: runID)
            try await session.backfill.resume(runID, resumption)
        }
        if case .interrupted = end {
            Output.note("interrupted; the run is being stopped for its new spec. Say the same again.")
            throw ExitCode(ExitStatus.interrupted)
        }
    }

    private func isAtWork(_ runID: RunID, _ store: RunStore) async throws -> Bool {
        let stats = try await RunStats.read(runID, store: store, client: try await state.openEngineForReading())
        if case .working = stats.standing { return true }
        return false
    }
}
