public import PubSub
public import SQLConnectors

/// A batch of messages as it travels through a topic: records, and what all their correlation ids have in common.
///
/// A message is a record plus its correlation id plus attributes. Ids are made from the record's key only where one is needed
/// (a dead letter, a log line, an HTTP header), so that nothing is allocated for a record on the way from database to database.
public struct RecordMessages: MessageBatch {
    /// The records, in the order of their ordinals.
    public let records: RecordBatch
    /// The run that publishes.
    public let runID: RunID
    /// The query that selected them.
    public let queryID: QueryID
    /// The query's name in the spec.
    public let query: String
    /// The bucket's number, from 1.
    public let bucket: Int
    /// The execution that published them: third part of the correlation id.
    public let executionID: String

    /// Messages in the batch.
    public var messageCount: Int { records.count }
    /// Bytes as the planner and the batch limit count them.
    public var byteCount: Int { records.byteCount }

    /// The messages at some positions; shares the storage.
    public func slice(_ range: Range<Int>) -> RecordMessages {
        RecordMessages(
            records: records.slice(range),
            runID: runID,
            queryID: queryID,
            query: query,
            bucket: bucket,
            executionID: executionID
        )
    }

    /// The correlation id of the message at a position.
    public func correlationID(at position: Int) -> CorrelationID {
        CorrelationID(queryID: queryID, executionID: executionID, recordID: records.key(at: position))
    }

    /// Names the bucket for ledgers and for the order of deliveries; unique within a run.
    public var bucketKey: String { BucketReference(queryID: queryID, number: bucket).key }
}
