import Foundation
import Workflows

/// Reads a flat JSON object: finds its keys and values in one pass, and decodes those that are asked for.
struct FieldReader {
    private let type: String
    private let bytes: [UInt8]
    private var fields: [(key: Range<Int>, value: Range<Int>)] = []

    /// - Parameter type: the event's, for errors.
    init(_ text: String, type: String) throws(EventUnreadable) {
        self.type = type
        bytes = Array(text.utf8)
        fields.reserveCapacity(4)
        var scanner = Scanner(bytes: bytes)
        guard scanner.readObject({ fields.append(($0, $1)) }) else {
            throw EventUnreadable(description: "The attributes of a stored \(type) are no JSON object.")
        }
    }

    func int(_ key: StaticString) throws -> Int {
        guard let range = find(key) else { throw missing(key) }
        var value = 0
        for byte in bytes[range] {
            // Anything but a few plain digits is rare, and left to those who know all of JSON.
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), range.count <= 15 else {
                return try decode(range)
            }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return value
    }

    func string(_ key: StaticString) throws -> String {
        guard let range = find(key) else { throw missing(key) }
        guard bytes[range.lowerBound] == UInt8(ascii: "\""), !bytes[range].contains(UInt8(ascii: "\\")) else {
            return try decode(range)
        }
        return String(decoding: bytes[range.lowerBound + 1..<range.upperBound - 1], as: UTF8.self)
    }

    func value<Value: Decodable>(_ key: StaticString, as type: Value.Type = Value.self) throws -> Value {
        guard let range = find(key) else { throw missing(key) }
        return try decode(range)
    }

    func valueIfPresent<Value: Decodable>(_ key: StaticString, as type: Value.Type = Value.self) throws -> Value? {
        try find(key).map { try decode($0) }
    }

    /// - Throws: ``EventUnreadable`` also for seconds that no duration holds.
    func duration(_ key: StaticString) throws -> Duration {
        guard let duration = Duration(storedSeconds: try value(key)) else { throw missing(key) }
        return duration
    }

    /// The value's JSON text.
    func json(_ key: StaticString) throws -> String {
        guard let range = find(key) else { throw missing(key) }
        return String(decoding: bytes[range], as: UTF8.self)
    }

    private func missing(_ key: StaticString) -> EventUnreadable {
        EventUnreadable(description: "A stored \(type) lacks \(key).")
    }

    private func find(_ key: StaticString) -> Range<Int>? {
        key.withUTF8Buffer { key in fields.first { bytes[$0.key].elementsEqual(key) }?.value }
    }

    private static let decoder = JSONDecoder()

    private func decode<Value: Decodable>(_ range: Range<Int>) throws -> Value {
        try Self.decoder.decode(Value.self, from: Data(bytes[range]))
    }
}

/// Finds where the values of a JSON object begin and end.
private struct Scanner {
    let bytes: [UInt8]
    private var place = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// Hands over where each key stands (within its quotes) and where its value does. A null is left out, as is what it stands for.
    ///
    /// - Returns: whether the bytes are an object and nothing else. What is within values is not looked at.
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
        return place == bytes.count
    }

    private mutating func skipBlanks() {
        while place < bytes.count, bytes[place] <= UInt8(ascii: " ") { place += 1 }
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard place < bytes.count, bytes[place] == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }

    private mutating func skipString() -> Bool {
        guard place < bytes.count, bytes[place] == UInt8(ascii: "\"") else { return false }
        place += 1
        while place < bytes.count {
            switch bytes[place] {
            case UInt8(ascii: "\\"): place += 2
            case UInt8(ascii: "\""):
                place += 1
                return true
            default: place += 1
            }
        }
        return false
    }

    private mutating func skipValue() -> Bool {
        guard place < bytes.count else { return false }
        switch bytes[place] {
        case UInt8(ascii: "\""): return skipString()
        case UInt8(ascii: "{"), UInt8(ascii: "["): return skipNested()
        default:
            let start = place
            while place < bytes.count, !Self.endsScalar(bytes[place]) { place += 1 }
            return place > start
        }
    }

    private static func endsScalar(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte <= UInt8(ascii: " ")
    }

    private mutating func skipNested() -> Bool {
        var depth = 0
        while place < bytes.count {
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
