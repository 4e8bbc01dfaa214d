import ArgumentParser
import BackfillKit
import Foundation

struct TraceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "All that is known of a record, a query or an execution.",
        discussion:
            "Takes a correlation id (etl-<query>-<execution>-<record>), a query id, an execution id, or a bare record id."
    )

    @Argument(help: ArgumentHelp("The id to follow.", valueName: "id"))
    var id: String

    @Option(help: ArgumentHelp("Only in this run.", valueName: "run"))
    var run: String?

    @Flag(help: "Show the record's columns too.")
    var payload = false

    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let opened = try await OpenState.forReading(state)
        let store = opened.store
        let runID: RunID? = if let run { try await store.requireRun(run) } else { nil }
        let tracer = Tracer(store: store, state: opened.folder)
        let findings = try await tracer.trace(id, in: runID, withPayload: payload)
        if output.isJSON { try Output.json(findings) } else if !findings.isEmpty { TraceReport.print(findings) }
        if findings.isEmpty {
            if !output.isJSON {
                Output.note("nothing is known of \"\(id)\" here: see `backfill list` for the runs of this state")
            }
            throw ExitCode(ExitStatus.failed)
        }
    }
}
