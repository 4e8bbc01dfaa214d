/// A decimal number as text, as far as it matters for whether a floating-point or rounding type can hold it.
struct DecimalText {
    /// Its digits without zeros at either end: what a type has to tell apart.
    private(set) var digits: [UInt8] = []
    /// Digits behind the decimal point, zeros at the end left out and the exponent reckoned in.
    private(set) var fractionDigits = 0
    /// Neither point nor exponent.
    private(set) var isWhole = true

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
        var exponent = 0
        if let byte = rest.first, byte | 0x20 == UInt8(ascii: "e") {
            guard let number = Int(String(decoding: rest.dropFirst(), as: UTF8.self)), abs(number) < 1 << 20 else {
                return nil
            }
            exponent = number
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

    /// Whether a double stands for just this number: it has at most the 15 digits that every double keeps, or it is the text of a double.
    func isKept(by real: Double) -> Bool { digits.count <= 15 || Self.digits(of: real) == digits }

    /// The same for a float and its 6 digits.
    func isKept(by real: Float) -> Bool { digits.count <= 6 || Self.digits(of: real) == digits }

    private static func digits(of number: some CustomStringConvertible) -> [UInt8]? {
        var text = number.description
        return text.withUTF8 { DecimalText($0)?.digits }
    }
}
