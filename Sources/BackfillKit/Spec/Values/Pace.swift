/// How fast records may be published: `pace: 2000/s`, `pace: {records: 2000/s, bytes: 10 MiB/s}`. Whichever is reached first holds.
public struct Pace: Codable, Hashable, Sendable, CustomStringConvertible {
    /// `records`: records a second; nil sets no limit.
    public var records: Double?
    /// `bytes`: bytes a second, counted as the planner counts them; nil sets no limit.
    public var bytes: Double?

    /// No limit.
    public static let unlimited = Pace()

    /// Limits what is given, by records and by bytes a second; both must be greater than zero.
    public init(records: Double? = nil, bytes: Double? = nil) {
        self.records = records
        self.bytes = bytes
    }

    /// Whether nothing is limited.
    public var isUnlimited: Bool { records == nil && bytes == nil }

    /// Such as `2000 records/s and 10485760 bytes/s`.
    public var description: String {
        func text(_ value: Double) -> String {
            // What is given by the hour is seldom whole by the second.
            let shown = value < 100 ? value : value.rounded()
            return Int64(exactly: shown).map { String($0) } ?? String(shown)
        }
        let parts = [records.map { "\(text($0)) records/s" }, bytes.map { "\(text($0)) bytes/s" }].compactMap { $0 }
        return parts.isEmpty ? "no limit" : parts.joined(separator: " and ")
    }

    /// Reads `2000/s`, `90/m` or `5000/h`: records in a time.
    ///
    /// - Throws: ``QuantityError``, which says what is expected.
    public static func recordRate(_ text: String) throws(QuantityError) -> Double {
        let advice = "Write a whole number and a time, such as 2000/s, 90/m or 5000/h."
        guard let (amount, seconds) = split(text), let number = WholeNumber.parse(amount), number > 0 else {
            throw QuantityError("\(text.quoted) is not a rate of records", advice: advice)
        }
        return Double(number) / seconds
    }

    /// Reads `10 MiB/s` or `500 KB/m`: bytes in a time.
    ///
    /// - Throws: ``QuantityError``, which says what is expected.
    public static func byteRate(_ text: String) throws(QuantityError) -> Double {
        guard let (amount, seconds) = split(text) else {
            throw QuantityError(
                "\(text.quoted) is not a rate of bytes",
                advice: "Write a byte size and a time, such as 10 MiB/s."
            )
        }
        let count = try Quantity.byteCount(String(amount))
        guard count > 0 else {
            throw QuantityError("\(text.quoted) would never end", advice: "Write at least 1 B/s, or `pause` the run.")
        }
        return Double(count) / seconds
    }

    private static func split(_ text: String) -> (amount: Substring, seconds: Double)? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let seconds: Double
        switch parts[1].trimmingBlanks.lowercased() {
        case "s": seconds = 1
        case "m": seconds = 60
        case "h": seconds = 3600
        default: return nil
        }
        return (parts[0].trimmingBlanks, seconds)
    }
}
