public import Foundation
public import Logging

/// Logs one ``LogLine`` for each event. Neither source paths nor anything else of the machine that built the program is in it.
public struct LineLogHandler: LogHandler {
    /// On every line, beside the event's own.
    public var metadata: Logger.Metadata = [:]
    /// Adds to every line what the task is about.
    public var metadataProvider: Logger.MetadataProvider?
    /// Events below it are not logged.
    public var logLevel: Logger.Level

    private let format: LogLine.Format
    private let now: @Sendable () -> Date
    private let write: @Sendable (_ line: String) -> Void

    /// - Parameters:
    ///   - now: the clock.
    ///   - write: takes a line, without its line feed; called from any thread.
    public init(
        _ format: LogLine.Format,
        level: Logger.Level = .info,
        now: @escaping @Sendable () -> Date = { Date() },
        write: @escaping @Sendable (_ line: String) -> Void
    ) {
        self.format = format
        logLevel = level
        self.now = now
        self.write = write
    }

    /// What every line carries under a key.
    public subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes the event's line. What is said closer to the event wins.
    public func log(event: LogEvent) {
        var all = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }
        all.merge(event.metadata ?? [:]) { $1 }
        if let error = event.error { all["error"] = "\(error)" }
        let line = LogLine(time: now(), level: event.level, message: event.message.description, metadata: all)
        write(line.text(as: format))
    }
}
