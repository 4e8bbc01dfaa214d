import Foundation

/// Reads the header `Retry-After`: seconds, or a date in one of HTTP's three forms.
enum RetryAfter {
    /// What is asked for beyond a year counts as a year.
    static let longest = Duration.seconds(366 * 86_400)

    /// - Parameters:
    ///   - serverDate: the header `Date` of the same answer, which a date is measured from, so that clocks need not agree.
    /// - Returns: not below zero; nil for what cannot be read, as if the header were not there.
    static func parse(_ text: String, serverDate: String? = nil, now: Date = Date()) -> Duration? {
        let text = text.trimmingBlanks
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return Int64(text).map { min(.seconds($0), longest) } ?? longest
        }
        guard let then = HTTPDate.seconds(of: text) else { return nil }
        let from = serverDate.flatMap { HTTPDate.seconds(of: $0) } ?? Int64(now.timeIntervalSince1970)
        return min(max(.seconds(then - from), .zero), longest)
    }
}

/// Dates as HTTP writes them: `Sun, 06 Nov 1994 08:49:37 GMT`, and the obsolete `Sunday, 06-Nov-94 08:49:37 GMT` and
/// `Sun Nov  6 08:49:37 1994`.
enum HTTPDate {
    private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

    /// Seconds since 1970; nil for anything else.
    static func seconds(of text: some StringProtocol) -> Int64? {
        var words = text.split { ", -:".contains($0) }.map { $0.lowercased() }
        // The weekday says nothing that the date does not.
        guard words.count >= 7, words.removeFirst().allSatisfy(\.isLetter) else { return nil }
        if words.last == "gmt" { words.removeLast() }
        guard words.count == 6 else { return nil }
        // The third form has the month first and the year last.
        if months.contains(words[0]) { words = [words[1], words[0], words[5], words[2], words[3], words[4]] }
        guard let month = months.firstIndex(of: words[1]) else { return nil }
        words[1] = String(month + 1)
        var numbers: [Int64] = []
        for word in words {
            guard word.count <= 4, word.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int64(word) else {
                return nil
            }
            numbers.append(number)
        }
        // Two digits: what looks far in the future was meant to be in the past.
        if words[2].count == 2 { numbers[2] += numbers[2] < 70 ? 2000 : 1900 }
        guard (1...31).contains(numbers[0]), numbers[2] >= 1900, numbers[3] < 24, numbers[4] < 60, numbers[5] <= 60
        else { return nil }
        return days(year: numbers[2], month: numbers[1], day: numbers[0]) * 86_400 + numbers[3] * 3_600
            + numbers[4] * 60 + numbers[5]
    }

    /// Days since 1970-01-01 in the Gregorian calendar, counted in years that begin with March, so that a leap day is a year's last.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let year = month > 2 ? year : year - 1
        let era = year / 400
        let yearOfEra = year % 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
