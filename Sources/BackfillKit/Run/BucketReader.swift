import SQLConnectors

/// Reads one bucket's records in batches, and the next ones ahead while the present one is being published.
protocol BucketReader: Sendable {
    /// The bucket as frozen in the plan, with the checkpoint it had when the reader was opened.
    var bucket: StoredBucket { get }

    /// The bucket's end, exclusive; nil while nobody knows how many records there are.
    var end: Int64? { get async }

    /// The records from `position` on, as many as one batch may hold; fewer when those read ahead were read by a lower limit. Nil when
    /// nothing is left.
    func batch(from position: Int64, limit: BatchLimit) async throws -> RecordBatch?

    /// Says how many records of a batch are being published; the others are asked for again.
    func publishing(_ count: Int, of batch: RecordBatch, limit: BatchLimit) async

    /// How many ordinals of the bucket below one no record has.
    func skipped(at ordinal: Int64) async -> Int64
}

extension BucketReader {
    func publishing(_ count: Int, of batch: RecordBatch, limit: BatchLimit) async {}
}

/// Reads from a staged result.
actor StagedBucketReader: BucketReader {
    nonisolated let bucket: StoredBucket
    private let reader: StagedReader
    private var ahead: (ordinal: Int64, batch: Task<RecordBatch, any Error>)?

    init(bucket: StoredBucket, reader: StagedReader) {
        self.bucket = bucket
        self.reader = reader
    }

    nonisolated var end: Int64? { bucket.endOrdinal }

    func batch(from position: Int64, limit: BatchLimit) async throws -> RecordBatch? {
        guard position < bucket.endOrdinal else { return nil }
        defer { ahead = nil }
        if let ahead, ahead.ordinal == position { return try await ahead.batch.value }
        return try await reader.read(from: position, to: bucket.endOrdinal, limit: limit)
    }

    func publishing(_ count: Int, of batch: RecordBatch, limit: BatchLimit) {
        if count < batch.count {
            let rest = batch.slice(count..<batch.count)
            ahead = (rest.firstOrdinal, Task { rest })
        } else if batch.endOrdinal < bucket.endOrdinal {
            let (reader, next, end) = (reader, batch.endOrdinal, bucket.endOrdinal)
            ahead = (next, Task { try await reader.read(from: next, to: end, limit: limit) })
        }
    }

    nonisolated func skipped(at ordinal: Int64) -> Int64 { 0 }
}
