/// How many dead letters a run may have and still be complete: `tolerate: 20`, or `tolerate: 0.1%` of all records.
public struct Tolerance: Hashable, Sendable, CustomStringConvertible {
    private enum Limit: Hashable, Sendable {
        case count(Int)
        /// In millionths of a per cent: whole numbers, so that "exactly 0.1 %" is decided exactly.
        case share(Int)
    }

    private static let shareOfOnePerCent = 1_000_000
    private static let decimalPlaces = 6

    private let limit: Limit

    /// No dead letters.
    public static let none = Tolerance(limit: .count(0))

    /// So many dead letters, however many records there are.
    public static func count(_ count: Int) -> Tolerance { Tolerance(limit: .count(max(0, count))) }

    /// So many per cent of the records.
    static func perCent(_ share: Int) -> Tolerance { Tolerance(limit: .share(share * shareOfOnePerCent)) }

    /// Whether it is a share of the records.
    var isShare: Bool {
        if case .share = limit { true } else { false }
    }

    /// Whether a run with these figures is complete.
    public func allows(deadLetters: Int, of records: Int64) -> Bool {
        switch limit {
        case .count(let count): return deadLetters <= count
        case .share(let share):
            return Int128(deadLetters) * Int128(100 * Self.shareOfOnePerCent) <= Int128(share) * Int128(records)
        }
    }

    /// As a spec writes it: `20`, or `0.1%`.
    public var description: String {
        switch limit {
        case .count(let count): return String(count)
        case .share(let share):
            let (whole, rest) = share.quotientAndRemainder(dividingBy: Self.shareOfOnePerCent)
            if rest == 0 { return "\(whole)%" }
            var decimals = String(rest)
            decimals = String(repeating: "0", count: Self.decimalPlaces - decimals.count) + decimals
            while decimals.hasSuffix("0") { decimals.removeLast() }
            return "\(whole).\(decimals)%"
        }
    }

    /// Reads a count, or a per cent from 0 to 100 with at most six decimals.
    ///
    /// - Throws: ``QuantityError``, which says what is expected.
    public init(parsing text: String) throws(QuantityError) {
        let expected = QuantityError(
            "\(text.quoted) is neither a count nor a per cent",
            advice: "Write a whole number such as 20, or a per cent such as 0.1%."
        )
        let trimmed = text.trimmingBlanks
        guard trimmed.hasSuffix("%") else {
            guard let count = WholeNumber.parse(trimmed) else { throw expected }
            self.init(limit: .count(count))
            return
        }
        let parts = trimmed.dropLast().trimmingBlanks.split(
            separator: ".",
            maxSplits: 1,
            omittingEmptySubsequences: false
        )
        let decimals = parts.count == 2 ? parts[1] : "0"
        guard let first = parts.first, let whole = WholeNumber.parse(first), !decimals.isEmpty,
            decimals.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { throw expected }
        guard decimals.utf8.count <= Self.decimalPlaces else {
            throw QuantityError(
                "\(text.quoted) has more than \(Self.decimalPlaces) decimals",
                advice: "Round it, or write a count."
            )
        }
        let padded = decimals + String(repeating: "0", count: Self.decimalPlaces - decimals.utf8.count)
        guard whole <= 100, let rest = Int(padded), whole < 100 || rest == 0 else {
            throw QuantityError("\(text.quoted) is more than all records", advice: "Write at most 100%.")
        }
        self.init(limit: .share(whole * Self.shareOfOnePerCent + rest))
    }

    private init(limit: Limit) {
        self.limit = limit
    }
}
