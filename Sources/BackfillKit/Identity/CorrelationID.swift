/// Names a message: `etl-<query id>-<execution id>-<record id>`.
///
/// Formatting and ``parse(_:)`` are exact inverses for every record id, down to the empty one and to bytes that are not UTF-8, as long
/// as query id and execution id are letters and digits (both kinds of id are made that way).
public struct CorrelationID: Hashable, Sendable, CustomStringConvertible {
    /// The execution of the query that selected the record.
    public let queryID: QueryID
    /// The workflow execution that published the message.
    public let executionID: String
    /// The record id as it is written in the correlation id: printable ASCII without blanks.
    public let writtenRecordID: String

    static let scheme = "etl"

    /// Names the message of a record whose key has this text.
    public init(queryID: QueryID, executionID: String, recordID: String) {
        self.init(queryID: queryID, executionID: executionID, recordBytes: recordID.utf8)
    }

    /// Names the message of a record whose key has these bytes, be they UTF-8 or not.
    public init(queryID: QueryID, executionID: String, recordBytes: some Collection<UInt8>) {
        var written: [UInt8] = []
        RecordIDCoding.append(recordBytes, to: &written)
        self.init(queryID: queryID, executionID: executionID, written: String(decoding: written, as: UTF8.self))
    }

    private init(queryID: QueryID, executionID: String, written: String) {
        self.queryID = queryID
        self.executionID = executionID
        self.writtenRecordID = written
    }

    /// The key's bytes, exactly.
    public var recordBytes: [UInt8] {
        // What is kept was written by the coding or accepted by it, so it always decodes.
        RecordIDCoding.decode(writtenRecordID.utf8) ?? []
    }

    /// The key's text. Bytes that are not UTF-8 read as U+FFFD here; ``recordBytes`` has them exactly.
    public var recordID: String { String(decoding: recordBytes, as: UTF8.self) }

    /// `etl-<query id>-<execution id>-<record id>`.
    public var description: String { "\(Self.scheme)-\(queryID)-\(executionID)-\(writtenRecordID)" }

    /// - Returns: nil for anything that formatting a correlation id does not yield.
    public static func parse(_ text: String) -> CorrelationID? {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0].elementsEqual(scheme.utf8), isID(parts[1]), isID(parts[2]),
            RecordIDCoding.decode(parts[3]) != nil
        else { return nil }
        return CorrelationID(
            queryID: QueryID(rawValue: String(Substring(parts[1]))),
            executionID: String(Substring(parts[2])),
            written: String(Substring(parts[3]))
        )
    }

    private static func isID(_ text: Substring.UTF8View) -> Bool {
        !text.isEmpty
            && text.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            }
    }
}
