/// What the correlation ids of one execution have in common, for loops that write one id per record.
public struct CorrelationPrefix: Sendable {
    /// `etl-<query id>-<execution id>-`.
    public let bytes: [UInt8]

    /// The prefix of the ids of the messages that an execution publishes for a query.
    public init(queryID: QueryID, executionID: String) {
        bytes = Array("\(CorrelationID.scheme)-\(queryID)-\(executionID)-".utf8)
    }

    /// Appends the correlation id of the record whose key has these bytes. Allocates only what the buffer lacks in capacity.
    public func append(recordBytes: some Collection<UInt8>, to buffer: inout [UInt8]) {
        buffer.append(contentsOf: bytes)
        RecordIDCoding.append(recordBytes, to: &buffer)
    }

    /// Appends the correlation id of the record whose key has this text.
    public func append(recordID: String, to buffer: inout [UInt8]) {
        append(recordBytes: recordID.utf8, to: &buffer)
    }
}
