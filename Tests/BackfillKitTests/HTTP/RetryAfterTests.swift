import Foundation
import TestSupport
import Testing

@testable import BackfillKit

@Suite("Retry-After is read in all its forms, and what cannot be read is as good as absent")
struct RetryAfterTests {
    private static let examples: [(String, Int64)] = [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
        ("Sun Nov  6 08:49:37 1994", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Tue, 29 Feb 2000 23:59:60 GMT", 951_868_800), ("Fri, 31 Dec 1999 23:59:59 GMT", 946_684_799),
    ]

    @Test("Seconds", arguments: [("0", 0), ("7", 7), (" 120\t", 120), ("31622400", 31_622_400)])
    func seconds(text: String, seconds: Int) {
        #expect(RetryAfter.parse(text) == .seconds(seconds))
    }

    @Test("The dates of RFC 9110, and others known", arguments: examples)
    func dates(text: String, seconds: Int64) {
        #expect(HTTPDate.seconds(of: text) == seconds)
    }

    @Test("A date counts from the server's clock if it shows one, and never below zero")
    func fromDates() {
        let now = Date(timeIntervalSince1970: 784_111_000)
        let text = "Sun, 06 Nov 1994 08:49:37 GMT"
        #expect(RetryAfter.parse(text, now: now) == .seconds(777))
        #expect(RetryAfter.parse(text, serverDate: "Sun, 06 Nov 1994 08:49:30 GMT", now: now) == .seconds(7))
        #expect(RetryAfter.parse(text, serverDate: "Sun, 06 Nov 1994 09:00:00 GMT", now: now) == .zero)
        #expect(RetryAfter.parse(text, serverDate: "nonsense", now: now) == .seconds(777))
    }

    @Test("More than a year is a year")
    func longest() {
        #expect(RetryAfter.parse("99999999999999999999999999") == RetryAfter.longest)
        #expect(RetryAfter.parse("9223372036854775807") == RetryAfter.longest)
        #expect(RetryAfter.parse("Fri, 31 Dec 9999 23:59:59 GMT") == RetryAfter.longest)
    }

    @Test(
        "Anything else",
        arguments: [
            "", " ", "-1", "+1", "1.5", "1 s", "٣", "soon", "Sun, 06 Nov 1994", "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
            "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 99999 08:49:37 GMT", "06 Nov 1994 08:49:37 GMT",
            "Sun, 0x6 Nov 1994 08:49:37 GMT",
            ", - : , - : , - :",
        ]
    )
    func unreadable(text: String) {
        #expect(RetryAfter.parse(text) == nil)
    }

    @Test("Every second from 1970 to 2200 comes back from each form", arguments: [UInt64.random(in: 0...UInt64.max)])
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        for _ in 0..<2_000 {
            let seconds = Int64.random(in: 0..<7_258_118_400, using: &random)
            let date = Date(timeIntervalSince1970: TimeInterval(seconds))
            var forms = ["EEE, dd MMM yyyy HH:mm:ss 'GMT'", "EEE MMM d HH:mm:ss yyyy"]
            // Two digits tell the years from 1970 to 2069.
            if seconds < 3_155_760_000 { forms.append("EEEE, dd-MMM-yy HH:mm:ss 'GMT'") }
            for form in forms {
                formatter.dateFormat = form
                let text = formatter.string(from: date)
                #expect(HTTPDate.seconds(of: text) == seconds, "\(text), seed \(seed)")
            }
        }
    }

    @Test("No text is too strange", arguments: [UInt64.random(in: 0...UInt64.max)])
    func anything(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let pieces = ["Sun", "Nov", "06", "1994", ",", " ", "-", ":", "GMT", "9999999999", "é", "\u{0}", "60", "-1"]
        for _ in 0..<2_000 {
            let text = (0..<Int.random(in: 0...14, using: &random)).map { _ in
                pieces.randomElement(using: &random) ?? ""
            }
            .joined()
            if let wait = RetryAfter.parse(text) { #expect(wait >= .zero && wait <= RetryAfter.longest, "\(text)") }
        }
    }
}
