import ArgumentParser
import BackfillKit
import Foundation

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Stage the queries in a temporary folder and show the buckets a run would work through.",
        discussion: "Nothing is published and nothing is kept; the source is only read."
    )

    @Argument(help: ArgumentHelp("The YAML file that describes the backfill.", valueName: "spec"))
    var spec: String

    @Flag(name: .customLong("check-keys"), help: "Look for keys that occur more than once.")
    var checksKeys = false

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let spec = try BackfillSpec.load(file: self.spec)
        _ = try await SpecCheck.check(spec)
        let plans = try await Rehearsal.plan(spec, checkingKeys: checksKeys)
        try PlanReport.print(spec, plans, json: output.isJSON)
        if plans.contains(where: { $0.duplicateKey != nil }) { throw ExitCode(ExitStatus.failed) }
    }
}
