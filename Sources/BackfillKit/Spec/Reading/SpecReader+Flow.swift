import Foundation
import Yams

/// `pace` and `window`.
extension SpecReader {
    mutating func pace(_ field: SpecField) -> Pace? {
        guard case .mapping = field.node else {
            return rate(
                field,
                "a rate such as 2000/s, or a mapping such as {records: 2000/s, bytes: 10 MiB/s}",
                Pace.recordRate
            )
            .map { Pace(records: $0) }
        }
        guard let mapping = mapping(field, keys: ["records", "bytes"]) else { return nil }
        if mapping["records"] == nil, mapping["bytes"] == nil {
            note(field, "limits nothing", "Add `records: 2000/s` or `bytes: 10 MiB/s`, or take pace out.")
        }
        var pace = Pace.unlimited
        if let field = mapping["records"] { pace.records = rate(field, "a rate such as 2000/s", Pace.recordRate) }
        if let field = mapping["bytes"] { pace.bytes = rate(field, "a rate such as 10 MiB/s", Pace.byteRate) }
        return pace
    }

    private mutating func rate(
        _ field: SpecField,
        _ expected: String,
        _ parse: (String) throws(QuantityError) -> Double
    ) -> Double? {
        text(field, expected: expected).flatMap { quantity(of: $0, expected: expected, parse) }
    }

    mutating func windows(_ field: SpecField) -> [TimeWindow]? {
        guard case .sequence = field.node else { return window(field).map { [$0] } }
        return list(field, of: "windows").map { entries in
            if entries.isEmpty {
                note(
                    field,
                    "there is no window",
                    "Add one, such as `- {between: 22:00-06:00, zone: Europe/Berlin}`, or take it out."
                )
            }
            return entries.compactMap { window($0) }
        }
    }

    private mutating func window(_ field: SpecField) -> TimeWindow? {
        guard let mapping = mapping(field, keys: ["between", "zone", "days"]) else { return nil }
        let times = required("between", in: mapping, example: "between: 22:00-06:00").flatMap { self.times($0) }
        let zone = required("zone", in: mapping, example: "zone: Europe/Berlin").flatMap { self.zone($0) }
        var days = Set(TimeWindow.Day.allCases)
        if let field = mapping["days"], let named = list(field, of: "days") {
            days = Set(named.compactMap { choice($0, of: TimeWindow.Day.self) })
            if named.isEmpty { note(field, "names no day", "Write some, such as [sat, sun], or take it out.") }
        }
        guard let times, let zone else { return nil }
        return TimeWindow(opensAt: times.opens, closesAt: times.closes, zone: zone, days: days)
    }

    private mutating func times(_ field: SpecField) -> (opens: Int, closes: Int)? {
        guard let text = text(field, expected: "two times such as 22:00-06:00") else { return nil }
        // People paste the dash that their editor makes of a hyphen.
        let parts = text.value.replacing("–", with: "-").split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let opens = minutes(parts[0], until: 23), let closes = minutes(parts[1], until: 24),
            opens != closes
        else {
            note(
                field,
                "expected two times such as 22:00-06:00, found \(text.found)",
                "Write HH:MM-HH:MM, 00:00 to 24:00."
            )
            return nil
        }
        return (opens, closes)
    }

    private func minutes(_ text: Substring, until lastHour: Int) -> Int? {
        guard let match = text.trimmingBlanks.wholeMatch(of: /([0-9]{1,2}):([0-9]{2})/),
            let hour = Int(match.1), let minute = Int(match.2), minute < 60, hour <= lastHour,
            hour < 24 || minute == 0
        else { return nil }
        return hour * 60 + minute
    }

    private mutating func zone(_ field: SpecField) -> TimeZone? {
        guard let text = text(field, expected: "a time zone") else { return nil }
        if let zone = TimeZone(identifier: text.value) { return zone }
        note(field, "expected a time zone, found \(text.found)", "Write a name such as Europe/Berlin or UTC.")
        return nil
    }
}
