import ArgumentParser
import BackfillKit
import Foundation
import SQLConnectors

@main
struct BackfillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backfill",
        abstract:
            "One-shot backfills: the rows of SQL queries, in even buckets and in parallel, to every sink, through crashes and bad rows.",
        discussion: """
            A run goes on where it stopped: after Ctrl-C, a crash or a failed bucket, `backfill resume RUN` carries it on from its
            checkpoints. Results go to stdout (--json everywhere), progress and logs to stderr.

            Exit status: 0 complete, 1 something failed (the last line says what to type next), 2 wrong usage or spec,
            130 interrupted (the state is safe, the last line says how to resume).
            """,
        version: "0.1.0",
        subcommands: [
            RunCommand.self, PlanCommand.self, StatsCommand.self, ResumeCommand.self, ListCommand.self,
            HistoryCommand.self,
            TraceCommand.self, PauseCommand.self, CancelCommand.self, ThrottleCommand.self, DeadLettersCommand.self,
            VerifyCommand.self, WorkerCommand.self,
        ]
    )

    private static func logFormat(of command: any ParsableCommand) -> LogLine.Format {
        (command as? any LoggingCommand)?.logging.logFormat ?? .text
    }

    static func main() async {
        SQLiteTuning.prepareProcess()
        // A reader that leaves is told by the write that fails: some libraries turn the signal off anyway, when they are first used.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            Output.begin(logFormat(of: command))
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            Failure.exit(because: error)
        }
    }
}
