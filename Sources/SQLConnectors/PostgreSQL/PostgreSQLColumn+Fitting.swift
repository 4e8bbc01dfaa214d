import Foundation

extension PostgreSQLColumn.Kind {
    /// Why a type would not keep a text as it is; nil when it would, or would refuse it by itself.
    func misfit(of text: UnsafeBufferPointer<UInt8>) -> String? {
        switch self {
        case .integer, .bytes, .other: return nil
        case .text(let limit):
            guard let limit, text.count > limit, text.last == UInt8(ascii: " "),
                text.count(where: { $0 & 0xC0 != 0x80 }) > limit
            else { return nil }
            return "holds text whose blanks at the end go beyond the column's \(limit) characters"
        case .float4:
            guard let number = DecimalText(text), let real = Float(Self.string(text)), !number.isKept(by: real) else {
                return nil
            }
            return "holds a number of \(number.digits.count) digits, which the column's type real cannot hold exactly"
        case .float8:
            guard let number = DecimalText(text), let real = Double(Self.string(text)), !number.isKept(by: real) else {
                return nil
            }
            return
                "holds a number of \(number.digits.count) digits, which the column's type double precision cannot hold exactly"
        case .numeric(let scale):
            guard let scale, let number = DecimalText(text), number.fractionDigits > scale else { return nil }
            return "holds a number with \(number.fractionDigits) digits behind the point, and the column keeps \(scale)"
        case .date:
            // A time of day stands behind the first blank or T; midnight drops nothing.
            guard let colon = text.firstIndex(of: UInt8(ascii: ":")), colon >= 2,
                text[(colon - 2)...].contains(where: { (0x31...0x39).contains($0) })
            else { return nil }
            return "holds a date with a time of day, and the column keeps only the date"
        case .time(let digits, let hasZone): return Self.misfit(ofTime: text, digits: digits, hasZone: hasZone)
        }
    }

    private static func string(_ text: UnsafeBufferPointer<UInt8>) -> String {
        String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func misfit(ofTime text: UnsafeBufferPointer<UInt8>, digits: Int, hasZone: Bool) -> String? {
        if let point = text.lastIndex(of: UInt8(ascii: ".")) {
            let fraction = text[(point + 1)...].prefix { (0x30...0x39).contains($0) }
            let significant = fraction.count - fraction.reversed().prefix { $0 == 0x30 }.count
            if significant > digits {
                return "holds a time with \(significant) digits of a second, and the column keeps \(digits)"
            }
        }
        guard !hasZone, let colon = text.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let behind = text[colon...]
        guard let sign = behind.firstIndex(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }) else {
            return nil
        }
        // UTC is what a time without a zone is taken for; any other offset would be dropped.
        guard behind[sign...].contains(where: { (0x31...0x39).contains($0) }) else { return nil }
        return
            "holds a time with an offset from UTC, which the column's type drops (make it timestamptz, or convert it in the query)"
    }
}
