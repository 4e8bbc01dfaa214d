/// A decimal number as text, as far as it matters for whether a floating-point or rounding type can hold it.
struct DecimalText {
    /// Its digits without zeros at either end: what a type has to tell apart.
    private(set) var digits: [UInt8] = []
    /// Digits behind the decimal point, zeros at the end left out and the exponent reckoned in.
    private(set) var fractionDigits = 0
    /// Neither point nor exponent.
    private(set) var isWhole = true
    /// Whether it may be beyond the largest double, or below the smallest.
    private(set) var mayBeOutOfRange = false

    /// Nil when the text is no plain decimal number, such as `NaN`; blanks around it are fine.
    init?(_ text: UnsafeBufferPointer<UInt8>) {
        var rest = text[...]
        while let byte = rest.first, Self.isBlank(byte) { rest.removeFirst() }
        while let byte = rest.last, Self.isBlank(byte) { rest.removeLast() }
        if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        var behindPoint: Int?
        var count = 0
        while let byte = rest.first {
            if (0x30...0x39).contains(byte) {
                count += 1
                if !digits.isEmpty || byte != 0x30 { digits.append(byte) }
                if let places = behindPoint { behindPoint = places + 1 }
            } else if byte == UInt8(ascii: "."), behindPoint == nil {
                behindPoint = 0
                isWhole = false
            } else {
                break
            }
            rest.removeFirst()
        }
        guard count > 0 else { return nil }
        mayBeOutOfRange = count > 300
        var exponent = 0
        if let byte = rest.first, byte | 0x20 == UInt8(ascii: "e") {
            guard let number = Self.exponent(rest.dropFirst()) else { return nil }
            exponent = number
            mayBeOutOfRange = true
            isWhole = false
            rest = rest[rest.endIndex...]
        }
        guard rest.isEmpty else { return nil }
        var places = (behindPoint ?? 0) - exponent
        while digits.last == 0x30 {
            digits.removeLast()
            places -= 1
        }
        fractionDigits = digits.isEmpty ? 0 : max(0, places)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    /// What stands behind an `e`; one that no type reaches counts as a million. Nil when it is no whole number.
    private static func exponent(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
        let isSigned = text.first == UInt8(ascii: "-") || text.first == UInt8(ascii: "+")
        let digits = isSigned ? text.dropFirst() : text
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        let most = 1_000_000
        let magnitude = digits.reduce(0) { min(most, $0 * 10 + Int($1 - 0x30)) }
        return text.first == UInt8(ascii: "-") ? -magnitude : magnitude
    }

    /// Whether a double stands for just this number: it has at most the 15 digits that every double keeps, or it is the text of a double,
    /// and it is neither beyond the largest nor so small that nothing is left of it.
    func isKept(by real: Double) -> Bool {
        isInRange(of: real) && (digits.count <= 15 || Self.digits(of: real) == digits)
    }

    /// The same for a float and its 6 digits.
    func isKept(by real: Float) -> Bool {
        isInRange(of: real) && (digits.count <= 6 || Self.digits(of: real) == digits)
    }

    private func isInRange(of real: some BinaryFloatingPoint) -> Bool { real.isFinite && (real != 0 || digits.isEmpty) }

    private static func digits(of number: some CustomStringConvertible) -> [UInt8]? {
        var text = number.description
        return text.withUTF8 { DecimalText($0)?.digits }
    }
}
