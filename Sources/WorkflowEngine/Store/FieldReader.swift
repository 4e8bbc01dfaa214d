import Foundation
import Workflows

/// Reads a flat JSON object: finds its keys and values in one pass, and decodes those that are asked for.
struct FieldReader {
    private let type: String
    private let bytes: [UInt8]
    private var fields: [(key: Range<Int>, value: Range<Int>)] = []

    /// - Parameters:
    ///   - range: where in `bytes` the object stands.
    ///   - type: the event's, for errors.
    init(_ bytes: [UInt8], in range: Range<Int>, type: String) throws(EventUnreadable) {
        self.type = type
        self.bytes = bytes
        fields.reserveCapacity(4)
        var scanner = JSONScanner(bytes, in: range)
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
