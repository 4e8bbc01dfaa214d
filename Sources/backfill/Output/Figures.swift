import Foundation

/// How numbers read for people: `8,000,000`, `41.7 %`, `512,340/s`, `1 h 02 min`.
enum Figures {
    /// A whole number with a comma at every third digit, the same in every locale.
    static func count(_ number: Int64) -> String {
        var digits = String(number.magnitude)
        var groups: [Substring] = []
        while digits.count > 3 {
            groups.insert(digits.suffix(3), at: 0)
            digits = String(digits.dropLast(3))
        }
        return (number < 0 ? "-" : "") + ([digits[...]] + groups).joined(separator: ",")
    }

    static func perCent(_ value: Double) -> String { String(format: "%.1f %%", value) }

    static func rate(_ recordsPerSecond: Double) -> String { "\(count(Int64(recordsPerSecond.rounded())))/s" }

    /// Seconds below a minute with one decimal, else the two largest units.
    static func duration(seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0 else { return "–" }
        if seconds < 60 { return String(format: "%.1f s", seconds) }
        let whole = Int(seconds.rounded())
        if whole < 3600 { return String(format: "%d min %02d s", whole / 60, whole % 60) }
        if whole < 48 * 3600 { return String(format: "%d h %02d min", whole / 3600, whole % 3600 / 60) }
        return String(format: "%d d %02d h", whole / 86400, whole % 86400 / 3600)
    }

    /// A time that is only known roughly: `about 25 s`, `about 4 min`, `about 2 h 30 min`.
    static func about(seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0 else { return "–" }
        func whole(_ step: Double) -> Int { Int((seconds / step).rounded() * step) }
        switch seconds {
        case ..<3: return "a few seconds"
        case ..<20: return "about \(whole(1)) s"
        case ..<90: return "about \(whole(5)) s"
        case ..<3570: return "about \(whole(60) / 60) min"
        case ..<35_700:
            let minutes = whole(600) / 60
            return "about \(minutes / 60) h" + (minutes % 60 > 0 ? " \(minutes % 60) min" : "")
        case ..<(48 * 3600): return "about \(whole(3600) / 3600) h"
        default:
            let hours = whole(6 * 3600) / 3600
            return "about \(hours / 24) d" + (hours % 24 > 0 ? " \(hours % 24) h" : "")
        }
    }

    static func bytes(_ count: Int64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var value = Double(count)
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return unit == 0 ? "\(count) B" : String(format: "%.1f %@", value, units[unit])
    }

    /// A moment in the local time zone, to the second.
    static func time(milliseconds: Int64) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.dateFormat = "yyyy-MM-dd HH:mm:ss"
        return formatter.string(from: Date(timeIntervalSince1970: Double(milliseconds) / 1000))
    }
}
