/// Writes a record id so that it is one word of printable ASCII, and reads it back exactly.
///
/// A byte in 0x21…0x7E stands for itself, every other byte is written `%XX` with upper-case digits. A `%` stands for itself too, unless
/// the two bytes after it are digits 0–9 or A–F, so that it would be read as `%XX`: then it is written `%25`. So `100%` and `50%off`
/// stay as they are and every sequence of bytes has exactly one written form.
enum RecordIDCoding {
    private static let percent = UInt8(ascii: "%")

    static func append<Bytes: Collection<UInt8>>(_ bytes: Bytes, to buffer: inout [UInt8]) {
        var index = bytes.startIndex
        while index != bytes.endIndex {
            let byte = bytes[index]
            if byte < 0x21 || byte > 0x7E || byte == percent && startsEscape(bytes, at: index) {
                buffer.append(percent)
                buffer.append(digit(byte >> 4))
                buffer.append(digit(byte & 15))
            } else {
                buffer.append(byte)
            }
            bytes.formIndex(after: &index)
        }
    }

    /// - Returns: nil when ``append(_:to:)`` writes no bytes this way.
    static func decode<Text: Collection<UInt8>>(_ text: Text) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var index = text.startIndex
        while index != text.endIndex {
            let byte = text[index]
            text.formIndex(after: &index)
            guard byte == percent, let high = value(text, at: index),
                let low = value(text, at: text.index(after: index))
            else {
                bytes.append(byte)
                continue
            }
            bytes.append(high << 4 | low)
            text.formIndex(&index, offsetBy: 2)
        }
        // What can be read in more than one way to write it is no correlation id: `%41` is nobody's way to write `A`.
        var written: [UInt8] = []
        written.reserveCapacity(text.count)
        append(bytes, to: &written)
        return written.elementsEqual(text) ? bytes : nil
    }

    private static func startsEscape<Bytes: Collection<UInt8>>(_ bytes: Bytes, at percent: Bytes.Index) -> Bool {
        let first = bytes.index(after: percent)
        return value(bytes, at: first) != nil && value(bytes, at: bytes.index(after: first)) != nil
    }

    private static func value<Bytes: Collection<UInt8>>(_ bytes: Bytes, at index: Bytes.Index) -> UInt8? {
        guard index < bytes.endIndex else { return nil }
        switch bytes[index] {
        case let byte where byte >= 0x30 && byte <= 0x39: return byte - 0x30
        case let byte where byte >= 0x41 && byte <= 0x46: return byte - 0x41 + 10
        default: return nil
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? 0x30 + value : 0x41 + value - 10
    }
}
