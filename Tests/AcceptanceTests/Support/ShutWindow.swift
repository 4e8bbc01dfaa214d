import Foundation

/// A time window that is shut for the next three hours and more, whatever the time is.
struct ShutWindow {
    /// When it opens, such as `02:40`.
    let opens: String
    /// As a spec has it.
    let line: String

    init() {
        let minutes = Int(Date().timeIntervalSince1970) / 60 % 1_440
        opens = Self.clock(minutes + 200)
        line = "window: {between: \"\(opens)-\(Self.clock(minutes + 260))\", zone: UTC}"
    }

    private static func clock(_ minutes: Int) -> String {
        let (hour, minute) = (minutes / 60 % 24, minutes % 60)
        return "\(hour < 10 ? "0" : "")\(hour):\(minute < 10 ? "0" : "")\(minute)"
    }
}
