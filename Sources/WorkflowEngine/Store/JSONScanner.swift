/// Finds where the values of a JSON object or array begin and end. What is within them is not looked at.
struct JSONScanner {
    private let bytes: [UInt8]
    private var place: Int
    private let end: Int

    /// - Parameter range: where in `bytes` the object or array stands, and nothing else.
    init(_ bytes: [UInt8], in range: Range<Int>) {
        self.bytes = bytes
        place = range.lowerBound
        end = range.upperBound
    }

    /// Hands over where each element stands.
    ///
    /// - Returns: whether the bytes are an array and nothing else.
    mutating func readArray(_ element: (Range<Int>) throws -> Void) rethrows -> Bool {
        guard skip("[") else { return false }
        if skip("]") { return isAtEnd() }
        repeat {
            skipBlanks()
            let start = place
            guard skipValue() else { return false }
            try element(start..<place)
        } while skip(",")
        return skip("]") && isAtEnd()
    }

    /// Hands over where each key stands (within its quotes) and where its value does. A null is left out, as is what it stands for.
    ///
    /// - Returns: whether the bytes are an object and nothing else.
    mutating func readObject(_ field: (_ key: Range<Int>, _ value: Range<Int>) -> Void) -> Bool {
        guard skip("{") else { return false }
        if skip("}") { return isAtEnd() }
        repeat {
            skipBlanks()
            let key = place + 1
            guard skipString() else { return false }
            let keyEnd = place - 1
            guard skip(":") else { return false }
            skipBlanks()
            let value = place
            guard skipValue() else { return false }
            if bytes[value] != UInt8(ascii: "n") { field(key..<keyEnd, value..<place) }
        } while skip(",")
        return skip("}") && isAtEnd()
    }

    private mutating func isAtEnd() -> Bool {
        skipBlanks()
        return place == end
    }

    private mutating func skipBlanks() {
        while place < end, bytes[place] <= UInt8(ascii: " ") { place += 1 }
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard place < end, bytes[place] == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }

    private mutating func skipString() -> Bool {
        guard place < end, bytes[place] == UInt8(ascii: "\"") else { return false }
        place += 1
        while place < end {
            switch bytes[place] {
            case UInt8(ascii: "\\"): place = min(place + 2, end)
            case UInt8(ascii: "\""):
                place += 1
                return true
            default: place += 1
            }
        }
        return false
    }

    private mutating func skipValue() -> Bool {
        guard place < end else { return false }
        switch bytes[place] {
        case UInt8(ascii: "\""): return skipString()
        case UInt8(ascii: "{"), UInt8(ascii: "["): return skipNested()
        default:
            let start = place
            while place < end, !Self.endsScalar(bytes[place]) { place += 1 }
            return place > start
        }
    }

    private static func endsScalar(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") || byte <= UInt8(ascii: " ")
    }

    private mutating func skipNested() -> Bool {
        var depth = 0
        while place < end {
            switch bytes[place] {
            case UInt8(ascii: "\""):
                guard skipString() else { return false }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            place += 1
            if depth == 0 { return true }
        }
        return false
    }
}
