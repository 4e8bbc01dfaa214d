public import Foundation

/// When publishing is allowed: `window: {between: "22:00-06:00", zone: Europe/Berlin, days: [mon, tue]}`.
public struct TimeWindow: Hashable, Sendable {
    /// Days as the spec names them, in the numbering of Foundation's Gregorian calendar (Sunday is 1).
    public enum Day: String, CaseIterable, Hashable, Sendable {
        case sun, mon, tue, wed, thu, fri, sat

        var weekday: Int { (Self.allCases.firstIndex(of: self) ?? 0) + 1 }
    }

    /// `between`: minutes after midnight at which it opens.
    public var opensAt: Int
    /// Minutes after midnight at which it closes; at or before ``opensAt`` means on the next day.
    public var closesAt: Int
    /// `zone`: an IANA name such as `Europe/Berlin`.
    public var zone: TimeZone
    /// `days`: those on which it opens; every day unless given.
    public var days: Set<Day>

    /// Where a window stands at a moment.
    public enum Standing: Hashable, Sendable {
        /// Open until then; never closing when nil.
        case open(until: Date?)
        /// Closed until then.
        case closed(until: Date)
    }

    /// Where several windows stand together: open while one of them is. No windows are always open.
    public static func standing(of windows: [TimeWindow], at now: Date) -> Standing {
        guard !windows.isEmpty else { return .open(until: nil) }
        let spans = windows.flatMap { $0.spans(around: now) }.sorted { $0.lowerBound < $1.lowerBound }
        // Spans that touch or overlap are one opening.
        var closing: Date?
        for span in spans
        where span.contains(now) || closing.map({ span.lowerBound <= $0 && span.upperBound > $0 }) == true {
            closing = max(closing ?? span.upperBound, span.upperBound)
        }
        if let closing { return .open(until: closing) }
        // Days are looked through for more than two weeks, so one of them opens.
        return .closed(until: spans.first { $0.lowerBound > now }?.lowerBound ?? now.addingTimeInterval(3600))
    }

    /// Its openings from two days before until sixteen days after, by the zone's clocks: a time that a change to summer time leaves out comes
    /// with the first moment after it, one that occurs twice the first time. More than two weeks: a weekly opening may be left out as a whole.
    private func spans(around now: Date) -> [Range<Date>] {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let today = calendar.startOfDay(for: now)
        return (-2...16).compactMap { offset in
            guard let day = calendar.date(byAdding: .day, value: offset, to: today),
                days.contains(where: { $0.weekday == calendar.component(.weekday, from: day) }),
                let opening = Self.moment(opensAt, of: day, calendar),
                let closingDay = calendar.date(byAdding: .day, value: closesAt > opensAt ? 0 : 1, to: day),
                let closing = Self.moment(closesAt, of: closingDay, calendar), opening < closing
            else { return nil }
            return opening..<closing
        }
    }

    private static func moment(_ minutes: Int, of day: Date, _ calendar: Calendar) -> Date? {
        if minutes == 24 * 60 { return calendar.date(byAdding: .day, value: 1, to: day) }
        return calendar.date(
            bySettingHour: minutes / 60,
            minute: minutes % 60,
            second: 0,
            of: day,
            matchingPolicy: .nextTime,
            repeatedTimePolicy: .first,
            direction: .forward
        )
    }

    /// Such as `22:00-06:00 Europe/Berlin`.
    public var description: String {
        func text(_ minutes: Int) -> String {
            let (hour, minute) = (minutes / 60, minutes % 60)
            return "\(hour < 10 ? "0" : "")\(hour):\(minute < 10 ? "0" : "")\(minute)"
        }
        return "\(text(opensAt))-\(text(closesAt)) \(zone.identifier)"
    }
}
