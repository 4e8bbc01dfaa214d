import BackfillKit
import Foundation

/// Where text goes: results to stdout, everything else to stderr.
enum Output {
    /// A line of the result.
    static func result(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

    /// A line for the person who watches.
    static func note(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

    /// A value as ``BackfillKit/ReportJSON``.
    static func json(_ value: some Encodable) throws {
        FileHandle.standardOutput.write(try ReportJSON.encode(value) + Data("\n".utf8))
    }

    /// Whether a person sees stderr on a terminal that can redraw a line.
    static var isInteractive: Bool {
        isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    /// Columns of the terminal behind stderr; 80 when it does not say.
    static var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
