public import ArgumentParser
import BackfillKit
public import Logging

/// What is logged on stderr beside the progress.
struct LogOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Log lines of this level and above: trace, debug, info, notice, warning, error.",
            valueName: "level"
        )
    )
    var logLevel: Logger.Level = .error

    @Option(
        help: ArgumentHelp(
            "How lines on stderr look: text for people, or json, one object a line, progress and notes included.",
            valueName: "format"
        )
    )
    var logFormat: LogLine.Format = .text

    /// Logs to stderr, so that stdout stays the result's.
    var logger: Logger {
        let handler = LineLogHandler(logFormat, level: logLevel) { Output.errorLine($0) }
        return Logger(label: "backfill") { _ in handler }
    }
}

/// A command that logs: how, is known before it says anything.
protocol LoggingCommand {
    var logging: LogOptions { get }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
extension LogLine.Format: ExpressibleByArgument {}
