@testable import BackfillKit

extension Property {
    /// Formatting a correlation id and parsing it are exact inverses, for any key and any text.
    static let correlation = Property(name: "correlation") { input in
        let query = QueryID(rawValue: "01jd4k2m9q7xw3ab")
        let id = CorrelationID(queryID: query, executionID: "01jd4k2m9q7xw3cd", recordBytes: input)
        let parsed = try require(CorrelationID.parse(id.description), "\(id) does not parse")
        try require(parsed == id && parsed.recordBytes == input, "\(id) comes back as \(parsed.recordBytes)")
        try require(id.description.utf8.allSatisfy { (0x21...0x7E).contains($0) }, "\(id) is not printable ASCII")
        let text = String(decoding: input, as: UTF8.self)
        if let parsed = CorrelationID.parse(text) {
            try require(
                parsed.description.utf8.elementsEqual(text.utf8),
                "\(text.debugDescription) formats to \(parsed)"
            )
        }
        _ = TraceTarget.parse(text)
    }

    /// Any bytes are written in one way, and only texts written that way are read.
    static let key = Property(name: "key") { input in
        var written: [UInt8] = []
        RecordIDCoding.append(input, to: &written)
        try require(RecordIDCoding.decode(written) == input, "\(input) is written \(written), which reads otherwise")
        if let decoded = RecordIDCoding.decode(input) {
            var again: [UInt8] = []
            RecordIDCoding.append(decoded, to: &again)
            try require(again == input, "\(input) is accepted, but \(decoded) is written \(again)")
        }
    }
}
