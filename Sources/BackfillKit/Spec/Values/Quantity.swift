/// A number with a unit could not be read.
public struct QuantityError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, without a full stop.
    public let message: String
    /// What to write instead.
    public let advice: String

    init(_ message: String, advice: String) {
        self.message = message
        self.advice = advice
    }

    /// What is wrong and what to write instead.
    public var description: String { "\(message). \(advice)" }
}

/// Reads times and sizes as people write them: a whole number and a unit, with or without a blank between.
public enum Quantity {
    /// Reads `500ms`, `2s`, `5m`, `1h` or `7d`.
    ///
    /// - Throws: ``QuantityError`` also for a number without a unit: seconds and milliseconds are too easily taken for each other.
    public static func duration(_ text: String) throws(QuantityError) -> Duration {
        let advice = "Write a whole number and one of ms, s, m, h, d, such as 500ms or 2s."
        guard let (number, unit) = split(text) else {
            throw QuantityError("\(text.quoted) is not a time", advice: advice)
        }
        if unit.isEmpty { throw QuantityError("\(text.quoted) has no unit of time", advice: advice) }
        guard let milliseconds = durationUnits[unit.lowercased()] else {
            throw QuantityError("\(text.quoted) has an unknown unit of time, \(unit.quoted)", advice: advice)
        }
        let total = try product(number, milliseconds, of: text)
        if total > longestDuration {
            throw QuantityError("\(text.quoted) is too long", advice: "Write at most 36500d.")
        }
        return .milliseconds(total)
    }

    /// A hundred years in milliseconds: what systems count in nanoseconds, in 64 bits, ends after 292.
    private static let longestDuration = 36_500 * 86_400_000

    /// Reads `1024`, `64KB` (1,000 bytes each) or `4 MiB` (1,048,576 bytes each); upper and lower case mean the same.
    ///
    /// - Throws: ``QuantityError``.
    public static func byteCount(_ text: String) throws(QuantityError) -> Int {
        let advice =
            "Write a whole number of bytes, or one with B, KB, MB, GB, TB, KiB, MiB, GiB or TiB, such as 4 MiB."
        guard let (number, unit) = split(text) else {
            throw QuantityError("\(text.quoted) is not a byte size", advice: advice)
        }
        guard let bytes = byteUnits[unit.lowercased()] else {
            throw QuantityError("\(text.quoted) has an unknown unit of bytes, \(unit.quoted)", advice: advice)
        }
        return try product(number, bytes, of: text)
    }

    private static let durationUnits = ["ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]

    private static let byteUnits = [
        "": 1, "b": 1,
        "kb": 1_000, "mb": 1_000_000, "gb": 1_000_000_000, "tb": 1_000_000_000_000,
        "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
    ]

    /// - Returns: nil when the text does not begin with a whole number.
    private static func split(_ text: String) -> (number: Int, unit: String)? {
        let trimmed = text.trimmingBlanks
        let digits = trimmed.prefix { $0.isASCII && ($0.isWholeNumber || $0 == "_") }
        guard let number = WholeNumber.parse(digits) else { return nil }
        return (number, String(trimmed.dropFirst(digits.count).trimmingBlanks))
    }

    private static func product(_ number: Int, _ unit: Int, of text: String) throws(QuantityError) -> Int {
        let (product, isTooLarge) = number.multipliedReportingOverflow(by: unit)
        if isTooLarge { throw QuantityError("\(text.quoted) is too large", advice: "Write a smaller number.") }
        return product
    }
}

/// Reads whole numbers as YAML writes them.
enum WholeNumber {
    /// Digits, with `_` between them where one likes (`25_000`); no sign, no leading zero, which some would read as octal.
    static func parse(_ text: some StringProtocol) -> Int? {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, first != UInt8(ascii: "_"), bytes.last != UInt8(ascii: "_"),
            bytes.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_") }),
            first != UInt8(ascii: "0") || bytes.count == 1
        else { return nil }
        return Int(String(text.filter { $0 != "_" }))
    }
}

extension StringProtocol {
    /// Without blanks and tabs at either end.
    var trimmingBlanks: SubSequence {
        var rest = self[...]
        while let first = rest.first, first == " " || first == "\t" { rest = rest.dropFirst() }
        while let last = rest.last, last == " " || last == "\t" { rest = rest.dropLast() }
        return rest
    }

    /// In quotation marks for an error text: one line, shortened when it is long.
    var quoted: String {
        let shown = count > 60 ? "\(prefix(57))..." : String(self)
        return "\"" + shown.replacing("\n", with: "\\n").replacing("\r", with: "\\r") + "\""
    }
}
