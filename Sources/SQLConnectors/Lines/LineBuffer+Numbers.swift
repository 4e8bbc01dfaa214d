extension LineBuffer {
    /// Appends an integer in decimal.
    @inlinable @inline(__always)
    package func append(integer: Int64) {
        append(sign: integer < 0, digits: integer.magnitude)
    }

    /// At most 20 bytes.
    @inlinable @inline(__always)
    package func append(sign isNegative: Bool, digits: UInt64) {
        append(atMost: 24) { start in
            var length = isNegative ? 1 : 0
            if isNegative { start[0] = UInt8(ascii: "-") }
            length += Self.decimalLength(digits)
            var rest = digits
            var place = length
            repeat {
                place -= 1
                let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
                start[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
                rest = quotient
            } while rest > 0
            return length
        }
    }

    @inlinable @inline(__always)
    package static func decimalLength(_ number: UInt64) -> Int {
        var length = 1
        var bound: UInt64 = 10
        while length < 20, number >= bound {
            length += 1
            let (next, overflow) = bound.multipliedReportingOverflow(by: 10)
            if overflow { return number >= bound ? length : length - 1 }
            bound = next
        }
        return length
    }

    /// Appends a finite double with the fewest digits that read back as the same double.
    ///
    /// Numbers of up to 15 digits with up to 9 behind the point (prices, coordinates, whole numbers) are written without an
    /// allocation. That is the shortest form: m / 10^k is rounded once and so exact to the bit for m < 2^53, each k below it was tried
    /// before, and no two decimals of 15 digits share a double. The others take the standard library's text, which
    /// allocates when longer than 15 bytes.
    package func append(real: Double) {
        let magnitude = real.magnitude
        if magnitude < 1e15, magnitude >= 1e-3 || magnitude == 0 {
            var scale: UInt64 = 1
            for places in 0...9 {
                let scaled = (magnitude * Double(scale)).rounded()
                guard scaled < 1e15 else { break }
                if scaled / Double(scale) == magnitude {
                    let (whole, fraction) = UInt64(scaled).quotientAndRemainder(dividingBy: scale)
                    append(sign: real.sign == .minus, digits: whole)
                    append(fraction: fraction, places: max(1, places))
                    return
                }
                scale *= 10
            }
        }
        var text = real.description
        text.withUTF8 { append($0) }
    }

    private func append(fraction: UInt64, places: Int) {
        append(atMost: 24) { start in
            start[0] = UInt8(ascii: ".")
            var rest = fraction
            for place in stride(from: places, to: 0, by: -1) {
                start[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            return places + 1
        }
    }

    /// Appends bytes in base64 (RFC 4648 section 4, with padding).
    package func append(base64 bytes: UnsafeBufferPointer<UInt8>) {
        reserve((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let left = bytes.count - index
            let first = UInt32(bytes[index]) << 16
            let second = left > 1 ? UInt32(bytes[index + 1]) << 8 : 0
            let third = left > 2 ? UInt32(bytes[index + 2]) : 0
            let group = first | second | third
            append(Self.base64Digit(group >> 18))
            append(Self.base64Digit(group >> 12 & 63))
            append(left > 1 ? Self.base64Digit(group >> 6 & 63) : UInt8(ascii: "="))
            append(left > 2 ? Self.base64Digit(group & 63) : UInt8(ascii: "="))
            index += 3
        }
    }

    @inlinable @inline(__always)
    package static func base64Digit(_ value: UInt32) -> UInt8 {
        switch UInt8(truncatingIfNeeded: value) {
        case let value where value < 26: value + UInt8(ascii: "A")
        case let value where value < 52: value - 26 + UInt8(ascii: "a")
        case let value where value < 62: value - 52 + UInt8(ascii: "0")
        case 62: UInt8(ascii: "+")
        default: UInt8(ascii: "/")
        }
    }
}
