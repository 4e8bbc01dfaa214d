import Foundation
import TestSupport
import Testing

@testable import BackfillKit

@Suite("A time window is open when the clocks of its zone say so, and says until when")
struct TimeWindowTests {
    private static let everyDay = Set(TimeWindow.Day.allCases)

    private func window(
        _ between: String,
        _ zone: String = "Europe/Berlin",
        _ days: Set<TimeWindow.Day> = everyDay
    ) throws -> TimeWindow {
        let text = SpecText.complete("window: {between: \"\(between)\", zone: \(zone)}")
        var window = try #require(try SpecText.parse(text).windows.first)
        window.days = days
        return window
    }

    private func date(_ text: String) throws -> Date { try Date(text, strategy: .iso8601) }

    private func expect(
        _ windows: TimeWindow...,
        at now: String,
        openUntil end: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let standing = TimeWindow.standing(of: windows, at: try date(now))
        #expect(standing == .open(until: try date(end)), "at \(now)", sourceLocation: sourceLocation)
    }

    private func expect(
        _ windows: TimeWindow...,
        at now: String,
        closedUntil end: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let standing = TimeWindow.standing(of: windows, at: try date(now))
        #expect(standing == .closed(until: try date(end)), "at \(now)", sourceLocation: sourceLocation)
    }

    @Test("No windows are always open")
    func none() throws {
        #expect(TimeWindow.standing(of: [], at: try date("2026-01-01T00:00:00Z")) == .open(until: nil))
    }

    @Test("Within a day: open from its first moment, closed from its last")
    func withinADay() throws {
        let office = try window("09:00-17:30", "UTC")
        try expect(office, at: "2026-02-10T08:59:59Z", closedUntil: "2026-02-10T09:00:00Z")
        try expect(office, at: "2026-02-10T09:00:00Z", openUntil: "2026-02-10T17:30:00Z")
        try expect(office, at: "2026-02-10T17:29:59Z", openUntil: "2026-02-10T17:30:00Z")
        try expect(office, at: "2026-02-10T17:30:00Z", closedUntil: "2026-02-11T09:00:00Z")
    }

    @Test("Over midnight")
    func overMidnight() throws {
        let night = try window("22:00-06:00")
        try expect(night, at: "2026-02-10T20:59:00Z", closedUntil: "2026-02-10T21:00:00Z")
        try expect(night, at: "2026-02-10T21:00:00Z", openUntil: "2026-02-11T05:00:00Z")
        try expect(night, at: "2026-02-10T23:30:00Z", openUntil: "2026-02-11T05:00:00Z")
        try expect(night, at: "2026-02-11T04:59:59Z", openUntil: "2026-02-11T05:00:00Z")
        try expect(night, at: "2026-02-11T05:00:00Z", closedUntil: "2026-02-11T21:00:00Z")
    }

    @Test("24:00 is the end of the day; a whole day follows the other without a gap")
    func wholeDays() throws {
        let evening = try window("18:00-24:00", "UTC")
        try expect(evening, at: "2026-02-10T23:59:59Z", openUntil: "2026-02-11T00:00:00Z")
        try expect(evening, at: "2026-02-11T00:00:00Z", closedUntil: "2026-02-11T18:00:00Z")
        let weekend = try window("00:00-24:00", "UTC", [.sat, .sun])
        try expect(weekend, at: "2026-02-14T12:00:00Z", openUntil: "2026-02-16T00:00:00Z")
        try expect(weekend, at: "2026-02-16T00:00:00Z", closedUntil: "2026-02-21T00:00:00Z")
    }

    @Test("Days are those on which it opens, by the zone's calendar")
    func days() throws {
        let fridayNight = try window("22:00-06:00", "America/New_York", [.fri])
        // Friday 2026-02-13, 22:00 in New York.
        try expect(fridayNight, at: "2026-02-14T02:59:59Z", closedUntil: "2026-02-14T03:00:00Z")
        try expect(fridayNight, at: "2026-02-14T10:00:00Z", openUntil: "2026-02-14T11:00:00Z")
        try expect(fridayNight, at: "2026-02-14T11:00:00Z", closedUntil: "2026-02-21T03:00:00Z")
    }

    @Test("Several windows are open while one is; those that touch or overlap are one opening")
    func several() throws {
        let (early, late) = (try window("01:00-03:00", "UTC"), try window("03:00-05:00", "UTC"))
        let (inner, noon) = (try window("02:00-04:00", "UTC"), try window("12:00-13:00", "UTC"))
        try expect(late, early, at: "2026-02-10T01:30:00Z", openUntil: "2026-02-10T05:00:00Z")
        try expect(noon, early, inner, at: "2026-02-10T01:30:00Z", openUntil: "2026-02-10T04:00:00Z")
        try expect(noon, early, at: "2026-02-10T05:00:00Z", closedUntil: "2026-02-10T12:00:00Z")
        try expect(noon, early, at: "2026-02-10T13:00:00Z", closedUntil: "2026-02-11T01:00:00Z")
    }

    @Test("When clocks go forward, a night is an hour shorter, and a time left out comes with the moment after it")
    func clocksForward() throws {
        let night = try window("22:00-06:00")
        try expect(night, at: "2026-03-28T22:00:00Z", openUntil: "2026-03-29T04:00:00Z")
        // 02:30 is left out: clocks go from 02:00 to 03:00 at 01:00 UTC.
        let opening = try window("02:30-04:00")
        try expect(opening, at: "2026-03-29T00:59:59Z", closedUntil: "2026-03-29T01:00:00Z")
        try expect(opening, at: "2026-03-29T01:00:00Z", openUntil: "2026-03-29T02:00:00Z")
        let closing = try window("01:00-02:30")
        try expect(closing, at: "2026-03-29T00:30:00Z", openUntil: "2026-03-29T01:00:00Z")
        let both = try window("02:10-02:50")
        try expect(both, at: "2026-03-29T00:00:00Z", closedUntil: "2026-03-30T00:10:00Z")
    }

    @Test("When clocks go back, a night is an hour longer, and a time that comes twice counts the first time")
    func clocksBack() throws {
        let night = try window("22:00-06:00")
        try expect(night, at: "2026-10-24T20:00:00Z", openUntil: "2026-10-25T05:00:00Z")
        // 02:30 comes at 00:30 and at 01:30 UTC.
        let opening = try window("02:30-04:00")
        try expect(opening, at: "2026-10-25T00:29:59Z", closedUntil: "2026-10-25T00:30:00Z")
        try expect(opening, at: "2026-10-25T01:10:00Z", openUntil: "2026-10-25T03:00:00Z")
        let closing = try window("01:00-02:30")
        try expect(closing, at: "2026-10-25T00:00:00Z", openUntil: "2026-10-25T00:30:00Z")
        try expect(closing, at: "2026-10-25T01:00:00Z", closedUntil: "2026-10-26T00:00:00Z")
    }

    @Test("A weekly window whose time the clocks leave out once opens the week after")
    func leftOutOnce() throws {
        let sunday = try window("02:10-02:50", "Europe/Berlin", [.sun])
        for day in 22...28 {
            try expect(
                sunday,
                at: "2026-03-\(day)T12:00:00Z",
                closedUntil: "2026-04-05T00:10:00Z"
            )
        }
    }

    @Test(
        "It is closed right up to the moment that it names, and open at that moment; and the other way round",
        arguments: 0..<8 as Range<UInt64>
    )
    func consistency(block: UInt64) throws {
        var random = SplitMix64(seed: block)
        let zones = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]
            .compactMap { TimeZone(identifier: $0) }
        for _ in 0..<60 {
            let windows = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                let opens = Int.random(in: 0..<1440, using: &random)
                var closes = Int.random(in: 0...1440, using: &random)
                if closes == opens { closes += 1 }
                return TimeWindow(
                    opensAt: opens,
                    closesAt: closes,
                    zone: zones.randomElement(using: &random) ?? .gmt,
                    days: Set(
                        TimeWindow.Day.allCases.filter { _ in Int.random(in: 0..<3, using: &random) > 0 } + [.mon]
                    )
                )
            }
            // Around both changes of the clocks, and any day of the year.
            let bases = ["2026-03-28T00:00:00Z", "2026-10-24T00:00:00Z", "2026-06-01T00:00:00Z"]
            let base = try date(bases.randomElement(using: &random) ?? bases[0])
            let now = base.addingTimeInterval(TimeInterval(Int.random(in: 0..<3 * 86_400, using: &random)))
            switch TimeWindow.standing(of: windows, at: now) {
            case .closed(let until):
                #expect(until > now)
                #expect(isOpen(windows, until), "\(windows) at \(until)")
                #expect(!isOpen(windows, until.addingTimeInterval(-1)), "\(windows) before \(until)")
            case .open(let until):
                let until = try #require(until)
                #expect(until > now)
                // Together they never close, as far as is looked ahead.
                if until.timeIntervalSince(now) > 8 * 86_400 { continue }
                #expect(!isOpen(windows, until), "\(windows) at \(until)")
                #expect(isOpen(windows, until.addingTimeInterval(-1)), "\(windows) before \(until)")
            }
        }
    }

    private func isOpen(_ windows: [TimeWindow], _ instant: Date) -> Bool {
        if case .open = TimeWindow.standing(of: windows, at: instant) { true } else { false }
    }
}
