import Synchronization
public import Workflows

/// How far an executor is, as its workflow knows it: the answer to the query `progress`, which any of an engine's tools may ask.
///
/// It is as new as the last activity that ended; what is in flight, and what was tried in vain, only `stats` knows.
public struct ExecutorSnapshot: Codable, Hashable, Sendable {
    /// The run.
    public var run: RunID
    /// The query.
    public var queryID: QueryID
    /// The bucket's number.
    public var bucket: Int
    /// The first ordinal that is not settled; nil before the first batch.
    public var next: Int64?
    /// End of the bucket, exclusive; nil while nobody knows it.
    public var end: Int64?
    /// Batches that this chain has settled.
    public var batches: Int
    /// Records of the bucket that are dead letters so far.
    public var deadLettered: Int64
    /// Whether every record of the bucket is settled.
    public var done: Bool
    /// Why the last batch was not published; nil when it was.
    public var waiting: TurnedAway?

    private enum CodingKeys: String, CodingKey {
        case run, bucket, next, end, batches, done, waiting
        case queryID = "query_id"
        case deadLettered = "dead_lettered"
    }

    /// What asks for it.
    public static let query = QueryName<ProgressQuestion, ExecutorSnapshot>(ProgressQuestion.name)

    init(_ cursor: BucketCursor) {
        run = cursor.runID
        queryID = cursor.bucket.queryID
        bucket = cursor.bucket.number
        next = cursor.nextOrdinal
        end = cursor.endOrdinal
        batches = cursor.batches
        deadLettered = cursor.deadLettered
        done = cursor.isDone
        waiting = cursor.turnedAway
    }
}

/// What `progress` is asked with: nothing.
public struct ProgressQuestion: Codable, Hashable, Sendable {
    static let name = "progress"

    /// Asks.
    public init() {}
}

/// What a workflow's queries are answered from.
///
/// Workflow code of one execution runs on one thread at a time; the lock only proves that to the compiler.
final class Latest<Value: Sendable>: Sendable {
    private let content: Mutex<Value>

    init(_ value: Value) { content = Mutex(value) }

    var value: Value { content.withLock { $0 } }

    func change(_ body: (inout Value) -> Void) { content.withLock { body(&$0) } }
}
