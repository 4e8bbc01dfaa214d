public import ArgumentParser
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

    /// Logs to stderr, so that stdout stays the result's.
    var logger: Logger {
        var logger = Logger(label: "backfill") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = logLevel
        return logger
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
