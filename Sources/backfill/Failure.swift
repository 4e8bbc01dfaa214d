import ArgumentParser
import BackfillKit
import Foundation
import SQLConnectors

/// The exit statuses that scripts may rely on.
enum ExitStatus {
    static let failed: Int32 = 1
    static let usage: Int32 = 2
    static let interrupted: Int32 = 130
    /// Nobody reads the result: what a shell says of a program that SIGPIPE ended.
    static let unread: Int32 = 141
}

/// How the command ends when something went wrong.
enum Failure {
    /// Says what is wrong on stderr and leaves with the fitting status. Help and version are no failures and go to stdout.
    static func exit(because error: any Error) -> Never {
        if let status = error as? ExitCode { Foundation.exit(status.rawValue) }
        if BackfillCommand.exitCode(for: error) != .failure || error is ValidationError {
            // An error of the argument parser: its own text, and 2 for wrong usage.
            let status: Int32 = BackfillCommand.exitCode(for: error) == .success ? 0 : ExitStatus.usage
            let text = BackfillCommand.fullMessage(for: error)
            if !text.isEmpty { status == 0 ? Output.result(text) : Output.note(text) }
            Foundation.exit(status)
        }
        Output.failure(error)
        Foundation.exit(isUsage(error) ? ExitStatus.usage : ExitStatus.failed)
    }

    /// What was asked for cannot be: nothing was begun. Everything else failed on the way.
    private static func isUsage(_ error: any Error) -> Bool {
        error is SpecError || error is RunRefused || error is SourceError || error is SinkError || error is StateError
            || error is TooLong || error is EngineRefused || error is PasswordShown
    }
}
