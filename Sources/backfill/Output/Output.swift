import BackfillKit
import Foundation
import Logging
import Synchronization

/// Where text goes: results to stdout, everything else to stderr.
enum Output {
    /// A line of the result.
    static func result(_ text: String) { result(Data((text + "\n").utf8)) }

    /// A part of the result as it is. When nobody reads it any more, as behind `| head`, the program ends without a word.
    static func result(_ data: Data) {
        do {
            try FileHandle.standardOutput.write(contentsOf: data)
        } catch {
            let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
            if cause?.domain == NSPOSIXErrorDomain, cause?.code == Int(EPIPE) { exit(ExitStatus.unread) }
            tell("error: the result cannot be written: \(cause?.localizedDescription ?? error.localizedDescription)\n")
            exit(ExitStatus.failed)
        }
    }

    /// What nobody reads on stderr is no reason to end a run.
    private static func tell(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }

    /// How stderr looks, and which run it is about.
    private struct Style {
        var format = LogLine.Format.text
        var run: RunID?
    }

    private static let style = Mutex(Style())

    /// Decides how stderr looks, before anything is said there.
    static func begin(_ format: LogLine.Format) { style.withLock { $0.format = format } }

    /// What is said from now on is about this run.
    static func concerns(_ run: RunID) { style.withLock { $0.run = run } }

    /// A line for the person who watches; with `--log-format json` a line of the log.
    static func note(_ text: String, level: Logger.Level = .notice) {
        let style = style.withLock { $0 }
        guard case .json = style.format else { return errorLine(text) }
        let line = LogLine(
            time: Date(),
            level: level,
            message: text.trimmingCharacters(in: .whitespacesAndNewlines),
            metadata: style.run.map { ["run": "\($0)"] } ?? [:]
        )
        errorLine(line.text(as: .json))
    }

    /// Why the program cannot do what it was asked.
    static func failure(_ error: any Error) {
        let isJSON = style.withLock { $0.format } == .json
        note(isJSON ? "\(error)" : "error: \(error)", level: .error)
    }

    /// Writes a line to stderr as it is, in one piece.
    static func errorLine(_ line: String) { tell(line + "\n") }

    /// Writes over the line that a terminal shows.
    static func redraw(_ line: String) { tell("\r\u{1B}[K\(line)") }

    /// A value as ``BackfillKit/ReportJSON``.
    static func json(_ value: some Encodable) throws {
        result(try ReportJSON.encode(value) + Data("\n".utf8))
    }

    /// Whether a person sees stderr on a terminal that can redraw a line, and no program reads it.
    static var isInteractive: Bool {
        style.withLock { $0.format } == .text && isatty(STDERR_FILENO) == 1
            && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    /// Columns of the terminal behind stderr; 80 when it does not say.
    static var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
