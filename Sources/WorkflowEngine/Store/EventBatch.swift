import Foundation
import Workflows

/// Events that follow each other, as one JSON array, each as an array of its time, its type, its attributes, and its payload if it has one.
enum EventBatch {
    static func write(_ events: [HistoryEvent], to bytes: inout [UInt8]) throws {
        var separator = UInt8(ascii: "[")
        for event in events {
            bytes.append(separator)
            separator = UInt8(ascii: ",")
            bytes.append(UInt8(ascii: "["))
            bytes.append(contentsOf: String(event.timestamp.wholeMilliseconds).utf8)
            bytes.append(UInt8(ascii: ","))
            bytes.append(UInt8(ascii: "\""))
            bytes.append(contentsOf: event.attributes.type.utf8)
            bytes.append(UInt8(ascii: "\""))
            bytes.append(UInt8(ascii: ","))
            if let payload = try EventRow.write(event.attributes, to: &bytes) {
                bytes.append(UInt8(ascii: ","))
                bytes.append(contentsOf: payload.bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        }
        bytes.append(UInt8(ascii: "]"))
    }

    /// Reads what ``write(_:to:)`` wrote.
    ///
    /// - Parameter first: the id of the first event; the others follow without gaps.
    /// - Throws: ``EventUnreadable``, or `DecodingError` from within an event.
    static func events(in text: String, first: Int) throws -> [HistoryEvent] {
        let bytes = Array(text.utf8)
        var events: [HistoryEvent] = []
        var scanner = JSONScanner(bytes, in: bytes.startIndex..<bytes.endIndex)
        let isArray = try scanner.readArray { place in
            events.append(try event(in: bytes, at: place, id: first + events.count))
        }
        guard isArray else {
            throw EventUnreadable(description: "The stored events from \(first) on are no JSON array.")
        }
        return events
    }

    private static func event(in bytes: [UInt8], at range: Range<Int>, id: Int) throws -> HistoryEvent {
        var parts: [Range<Int>] = []
        parts.reserveCapacity(4)
        var scanner = JSONScanner(bytes, in: range)
        guard scanner.readArray({ parts.append($0) }), parts.count == 3 || parts.count == 4,
            let time = Int64(String(decoding: bytes[parts[0]], as: UTF8.self)), time.magnitude < 1 << 50,
            bytes[parts[1].lowerBound] == UInt8(ascii: "\"")
        else { throw EventUnreadable(description: "The stored event \(id) is no array of time, type and attributes.") }
        return HistoryEvent(
            id: id,
            timestamp: Date(wholeMilliseconds: time),
            attributes: try EventRow.attributes(
                of: String(decoding: bytes[parts[1].lowerBound + 1..<parts[1].upperBound - 1], as: UTF8.self),
                in: bytes,
                at: parts[2],
                payload: parts.count == 4 ? Payload(json: Data(bytes[parts[3]])) : nil
            )
        )
    }
}
