import ArgumentParser
import BackfillKit
import Foundation

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Stage the queries in a temporary folder and show the buckets a run would work through.",
        discussion: """
            Nothing is published and nothing is kept; the source is only read. With --time, samples are written to the sinks in transactions
            that are rolled back, and to files that are deleted: that holds a table's locks for a moment, as a batch of a run does.
            """
    )

    @Argument(help: ArgumentHelp("The YAML file that describes the backfill.", valueName: "spec"))
    var spec: String

    @Flag(name: .customLong("check-keys"), help: "Look for keys that occur more than once.")
    var checksKeys = false

    @Flag(name: .customLong("time"), help: "Say about how long a run would take, by timing samples.")
    var forecasts = false

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let spec = try BackfillSpec.load(file: self.spec)
        _ = try await SpecCheck.check(spec)
        let wishes = Rehearsal.Wishes(duplicateKeys: checksKeys, forecast: forecasts)
        let rehearsal = try await Interruption.cancelling { try await Rehearsal(of: spec, wishes) }
        try PlanReport.print(spec, rehearsal, json: output.isJSON)
        if rehearsal.plans.contains(where: { $0.duplicateKey != nil }) { throw ExitCode(ExitStatus.failed) }
    }
}
