import ArgumentParser
import BackfillKit
import Foundation
import Synchronization

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Compare what a run has published with what its tables hold now, record by record.",
        discussion: """
            Names the records that are missing, changed or there too often, and rows that are no record of the run; exits 1 on any
            difference. It reads only, and others may write meanwhile; where they write records of their own into the table, say --own-keys.
            Files and HTTP servers cannot be compared.
            """
    )

    @Argument(help: ArgumentHelp("The run id; the newest run without it.", valueName: "run"))
    var run: String?

    @Flag(name: .customLong("own-keys"), help: "Look only at rows with the run's keys; others' rows are no difference.")
    var ownKeys = false

    @Flag(
        help:
            "Publish the missing records again, and the changed ones where the sink updates rows; then verify once more."
    )
    var repair = false

    @Flag(
        name: .customLong("dry-run"),
        help: "With --repair: compare, say what would be published, and change nothing."
    )
    var isDryRun = false

    @Option(help: ArgumentHelp("Name at most so many differences of each sink.", valueName: "count"))
    var limit = 20

    @Flag(name: .shortAndLong, help: "No progress while it compares.")
    var quiet = false

    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var logging: LogOptions

    func run() async throws {
        let opened = try await OpenState.forReading(state)
        let store = opened.store
        let runID = if let run { try await store.requireRun(run) } else { try await store.requireNewestRun() }
        if repair, !isDryRun {
            let session = try await Session.open(state, logger: logging.logger)
            try await repair(runID, in: session)
        }
        let runtime = BackfillRuntime(
            state: opened.folder,
            store: store,
            environment: ProcessInfo.processInfo.environment,
            logger: logging.logger
        )
        let found = try await verifier(runtime).verify(runID)
        if output.isJSON { try Output.json(found) } else { VerifyReport.print(found, limit: limit) }
        guard !found.isWhole else { return }
        if repair, isDryRun {
            let count = found.sinks.reduce(0) { $0 + $1.missing + $1.changed }
            Output.note("--repair would publish at most \(Figures.count(count)) records again; nothing was changed")
        }
        let canRepair = found.sinks.contains { $0.missing + $0.changed > 0 } && !repair
        if canRepair { Output.note("next: backfill verify \(runID) --repair\(state.argument)") }
        throw ExitCode(ExitStatus.failed)
    }

    private func repair(_ runID: RunID, in session: Session) async throws {
        let verifier = verifier(session.runtime)
        let backfill = session.backfill
        let count = Mutex(0)
        let end = try await session.carry(runID, display: LiveProgress(isQuiet: quiet)) {
            let repaired = try await backfill.repair(runID, verifier)
            count.withLock { $0 = repaired }
            if repaired == 0 { throw NothingToRepair() }
        } unless: {
            $0 is NothingToRepair
        }
        switch end {
        case .interrupted:
            Output.note("interrupted; the state is safe. Carry on with: backfill resume \(runID)\(state.argument)")
            throw ExitCode(ExitStatus.interrupted)
        case .reported(let outcome):
            Output.note("\(count.withLock { $0 }) records published again")
            if outcome.state != .complete { Output.note("incomplete: \(outcome.error ?? "")") }
        case nil: Output.note("nothing to publish again")
        }
    }

    private struct NothingToRepair: Error {}

    private func verifier(_ runtime: BackfillRuntime) -> Verifier {
        let last = Mutex(ContinuousClock.now)
        let isQuiet = quiet
        return Verifier(runtime, ownKeysOnly: ownKeys) { compared in
            let isDue = last.withLock { last in
                guard ContinuousClock.now - last > .seconds(5) else { return false }
                last = .now
                return true
            }
            if isDue, !isQuiet { Output.note("\(Figures.count(compared)) records compared") }
        }
    }
}
