import ArgumentParser
import BackfillKit
import Foundation
import Logging

/// Which run a command is for, and how it gets there.
struct ControlTarget: ParsableArguments {
    @Argument(help: ArgumentHelp("The run id (see `backfill list`).", valueName: "run"))
    var run: String

    @Flag(name: .customLong("dry-run"), help: "Say what would be sent to whom, and change nothing.")
    var isDryRun = false

    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions

    /// How long to wait for the process that works on the run: it looks for commands five times a second.
    private static let patience: Duration = .seconds(10)

    /// Sends a command, waits until it holds, and says so.
    func send(_ verb: ControlCommand.Verb) async throws {
        guard let (runID, effect) = try await deliver(verb) else { return }
        let store = try await state.requireStore()
        let progress = try await ProgressReader(store).runs(runID).first
        if output.isJSON {
            try Output.json(progress)
            return
        }
        switch effect {
        case .sent(let owner): Output.result("run \(runID): \(verb) (told \(owner))")
        case .kept:
            Output.result("run \(runID): \(verb), from when it is resumed; nobody is at work on it now")
            Output.note("next: backfill resume \(runID)\(state.argument)")
        }
    }

    /// Delivers a command and waits until it holds.
    ///
    /// - Returns: nil for a dry run, which has said what it would do.
    func deliver(_ verb: ControlCommand.Verb) async throws -> (RunID, CommandEffect)? {
        let runID = try await state.requireStore().requireRun(run)
        if isDryRun {
            Output.result("would send to run \(runID): \(verb); nothing was changed")
            return nil
        }
        let opened = try await OpenState.forWork(state)
        let backfill = try await Session.backfill(on: opened, state, logger: Logger(label: "backfill"))
        let command = ControlCommand(verb, Person.request)
        let effect = try await backfill.command(command, to: runID)
        let clock = ContinuousClock()
        let deadline = clock.now + Self.patience
        while case .sent(let owner) = effect, try await !backfill.holds(command, runID) {
            if clock.now > deadline {
                Output.note(
                    "\(owner) has not answered in \(Self.patience); the command waits for it. See: backfill stats \(runID)\(state.argument)"
                )
                throw ExitCode(ExitStatus.failed)
            }
            try await clock.sleep(for: .milliseconds(50))
        }
        return (runID, effect)
    }

    /// Waits until the run has reported.
    ///
    /// - Returns: nil when the process that was to bring it to its end is gone.
    func waitForEnd(of runID: RunID) async throws -> RunStats? {
        let store = try await state.requireStore()
        let client = try await state.openEngineForReading()
        let clock = ContinuousClock()
        while true {
            if let progress = try await ProgressReader(store).runs(runID).first {
                switch try await RunStanding.of(progress, client: client) {
                case .working: break
                case .interrupted where progress.state == .running:
                    // Between the orchestrator's end and its owner's is a moment in which it only looks so.
                    if try await ProgressReader(store).runs(runID).first?.state == .running { return nil }
                default: return try await RunStats.read(runID, store: store, client: client)
                }
            }
            try await clock.sleep(for: .milliseconds(100))
        }
    }
}

/// Who types commands.
enum Person {
    /// `user@host`.
    static var name: String { "\(NSUserName())@\(ProcessInfo.processInfo.hostName)" }
    /// Who asks for something, and that it is now.
    static var request: RunControl.Request {
        RunControl.Request(by: name, at: Int64((Date().timeIntervalSince1970 * 1000).rounded()))
    }
}
