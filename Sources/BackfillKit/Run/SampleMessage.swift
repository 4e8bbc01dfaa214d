import Foundation
import SQLConnectors

/// A message as subscribers would get it, for a person to look at.
public struct SampleMessage: Encodable, Sendable {
    /// As that of a run, with `QUERY` and `EXECUTION` in place of the two ids that only a run has.
    public var correlationID: String
    /// What travels beside the record.
    public var attributes: Attributes
    /// The record as a JSON object, as an NDJSON file would hold it.
    public var payload: String

    /// What travels beside the record.
    public struct Attributes: Encodable, Sendable {
        /// The query's name.
        public var query: String
        /// The bucket's number, from 1.
        public var bucket: Int
        /// The record's place in the staged result, from 1.
        public var ordinal: Int64
        /// The key's text.
        public var recordID: String
    }

    private init(_ messages: RecordMessages) {
        correlationID = messages.correlationID(at: 0).description
        attributes = Attributes(
            query: messages.query,
            bucket: messages.bucket,
            ordinal: messages.records.firstOrdinal,
            recordID: messages.records.key(at: 0)
        )
        payload = RecordJSON.lenientObject(of: messages.records, row: 0)
    }

    /// Messages spread over buckets that are read directly: the first records of each.
    static func spread(_ count: Int, over plan: BucketPlan, of query: SourceQuery, at source: any DirectSource)
        async throws -> [SampleMessage]
    {
        let buckets = plan.buckets
        let shown = min(count, buckets.count)
        guard shown > 0 else { return [] }
        var samples: [SampleMessage] = []
        for index in 0..<shown {
            let bucket = buckets[shown == 1 ? 0 : index * (buckets.count - 1) / (shown - 1)]
            let share = (count - samples.count + shown - index - 1) / (shown - index)
            let records = try await source.read(query, bucket.keys ?? KeyRange()).next(
                from: bucket.firstOrdinal,
                limit: BatchLimit(records: share, bytes: .max)
            )
            for row in 0..<records.count {
                samples.append(message(of: records.slice(row..<row + 1), query.name, bucket: bucket.number))
            }
        }
        return samples
    }

    private static func message(of record: RecordBatch, _ query: String, bucket: Int) -> SampleMessage {
        SampleMessage(
            RecordMessages(
                records: record,
                runID: RunID(rawValue: "RUN"),
                queryID: QueryID(rawValue: "QUERY"),
                query: query,
                bucket: bucket,
                executionID: "EXECUTION"
            )
        )
    }

    /// Messages spread evenly over a staged result, the first and the last among them.
    static func spread(_ count: Int, over staged: StagedResult, _ plan: BucketPlan, of query: String, in folder: URL)
        async throws -> [SampleMessage]
    {
        let count = Int64(min(Int64(count), staged.recordCount))
        guard count > 0 else { return [] }
        let reader = try StagedReader(staged.location(in: folder), schema: staged.schema)
        var samples: [SampleMessage] = []
        for index in 0..<count {
            let ordinal = count == 1 ? 1 : 1 + index * (staged.recordCount - 1) / (count - 1)
            let record = try await reader.read(
                from: ordinal,
                to: ordinal + 1,
                limit: BatchLimit(records: 1, bytes: .max)
            )
            let bucket = plan.buckets.first { $0.endOrdinal > ordinal }
            samples.append(message(of: record, query, bucket: bucket?.number ?? 1))
        }
        return samples
    }
}
