import SQLConnectors

/// Reads one bucket's records in batches, and the next batch ahead while the present one is being published.
actor BucketReader {
    /// The bucket as frozen in the plan, with the checkpoint it had when the reader was opened.
    nonisolated let bucket: StoredBucket
    private let reader: StagedReader
    private var ahead: (ordinal: Int64, batch: Task<RecordBatch, any Error>)?

    init(bucket: StoredBucket, reader: StagedReader) {
        self.bucket = bucket
        self.reader = reader
    }

    /// The records from `ordinal` on, as many as one batch may hold; fewer when those read ahead were read by a lower limit.
    func batch(from ordinal: Int64, limit: BatchLimit) async throws -> RecordBatch {
        defer { ahead = nil }
        if let ahead, ahead.ordinal == ordinal { return try await ahead.batch.value }
        return try await reader.read(from: ordinal, to: bucket.endOrdinal, limit: limit)
    }

    /// Begins to read the batch at `ordinal`; an error comes out when that batch is asked for.
    func readAhead(from ordinal: Int64, limit: BatchLimit) {
        guard ordinal < bucket.endOrdinal else { return }
        let (reader, end) = (reader, bucket.endOrdinal)
        ahead = (ordinal, Task { try await reader.read(from: ordinal, to: end, limit: limit) })
    }

    /// Keeps records that were read and not published for the next batch.
    func putBack(_ records: RecordBatch) { ahead = (records.firstOrdinal, Task { records }) }
}
