import GRDB

/// How far a run is: a row of `queries/progress.sql`, which says what each figure means.
public struct RunProgress: StoredRow {
    /// The run id.
    public var runID: RunID
    /// The spec's name.
    public var name: String
    /// What the orchestrator has said; a run whose process died still says `running` here (see ``RunStanding``).
    public var state: RunState
    /// How often an orchestrator was started.
    public var pass: Int
    /// Records of all results that are staged or cut; nil before the first one is.
    public var records: Int64?
    /// How many there were when the plans were made, of queries that are read directly; nil when there are none.
    public var planned: Int64?
    /// Records that every subscription has acked.
    public var published: Int64
    /// Records that at least one subscription refused.
    public var deadLettered: Int64
    /// Settled records in per cent of all; nil while a result is still being staged.
    public var perCent: Double?
    /// Records a second over the last ten seconds.
    public var rateNow: Double
    /// Records a second over the time in which a process worked on the run.
    public var rateMean: Double
    /// What is left at the present rate.
    public var secondsLeft: Double?
    /// Time in which a process worked on the run.
    public var secondsWorked: Double
    /// Records staged so far.
    public var extracted: Int64
    /// Queries of the run.
    public var queries: Int
    /// Queries that failed.
    public var queriesFailed: Int
    /// Buckets planned so far.
    public var buckets: Int
    /// Buckets whose records are all settled.
    public var bucketsComplete: Int
    /// Buckets whose executor gave up.
    public var bucketsFailed: Int
    /// Attempts of PublishBatch that failed.
    public var retries: Int
    /// Messages delivered again inside the topic.
    public var redeliveries: Int
    /// Milliseconds since 1970.
    public var createdAt: Int64
    /// Milliseconds since 1970.
    public var finishedAt: Int64?
    /// Why the run is incomplete.
    public var error: String?
    /// Why the whole run waits just now: paused, a probe, a pace, a time window.
    public var waiting: String?
    /// Since when, in milliseconds since 1970.
    public var waitingSince: Int64?
    /// Who paused it.
    public var pausedBy: String?
    /// When, in milliseconds since 1970.
    public var pausedAt: Int64?
    /// Dead letters that are neither redriven nor discarded.
    public var deadLetters: Int
    /// Which part of the records it takes; nil for all.
    public var canary: Canary?
    /// How long the run would take from start to end, if that was asked before it began; compare it with ``secondsWorked``.
    public var forecastSeconds: Double?
    /// How far apart the first and the last bucket finished.
    public var bucketSpreadSeconds: Double?

    /// Records that every subscription has acked or dead-lettered.
    public var settled: Int64 { published + deadLettered }
}

/// How far a query is: a row of `queries/progress-by-query.sql`.
public struct QueryProgress: StoredRow {
    /// The run.
    public var runID: RunID
    /// The query id.
    public var queryID: QueryID
    /// The query's name.
    public var query: String
    /// Its lane.
    public var lane: String?
    /// A query of the spec, or records published again.
    public var kind: QueryKind
    /// Of records published again: to whom.
    public var subscription: String?
    /// Where it stands.
    public var state: QueryState
    /// Records staged so far.
    public var extracted: Int64
    /// Records of the staged result; of a query that is read directly, as many as are known of.
    public var records: Int64?
    /// How many there were when the plan was made, of a query that is read directly.
    public var planned: Int64?
    /// Records that every subscription has acked.
    public var published: Int64
    /// Records that at least one subscription refused.
    public var deadLettered: Int64
    /// Settled records in per cent.
    public var perCent: Double
    /// Buckets of the plan.
    public var buckets: Int?
    /// Buckets whose records are all settled.
    public var bucketsComplete: Int
    /// Buckets whose executor gave up.
    public var bucketsFailed: Int
    /// Failed attempts of PublishBatch.
    public var retries: Int
    /// Messages delivered again.
    public var redeliveries: Int
    /// Milliseconds since 1970.
    public var startedAt: Int64?
    /// Milliseconds since 1970.
    public var finishedAt: Int64?
    /// Why it failed.
    public var error: String?
}

/// How far a bucket is: a row of `queries/progress-by-bucket.sql`.
public struct BucketProgress: StoredRow {
    /// The run.
    public var runID: RunID
    /// The query's name.
    public var query: String
    /// The query id.
    public var queryID: QueryID
    /// The bucket's number, from 1.
    public var bucket: Int
    /// Where it stands.
    public var state: BucketState
    /// Records in its range; where they are read directly, as many as are known of.
    public var records: Int64
    /// How many there were when the plan was made, where they are read directly.
    public var planned: Int64?
    /// Records that every subscription has acked.
    public var published: Int64
    /// Records that at least one subscription refused.
    public var deadLettered: Int64
    /// Settled records in per cent.
    public var perCent: Double
    /// First ordinal of the range.
    public var firstOrdinal: Int64
    /// The checkpoint.
    public var nextOrdinal: Int64
    /// End of the range, exclusive.
    public var endOrdinal: Int64
    /// Batches settled.
    public var batches: Int
    /// Failed attempts of PublishBatch.
    public var retries: Int
    /// Messages delivered again.
    public var redeliveries: Int
    /// Executions of its executor's chain that settled a batch.
    public var executions: Int
    /// The newest execution.
    public var executionID: String?
    /// Why it stands still.
    public var waiting: String?
    /// What failed last.
    public var error: String?
    /// When a batch that failed is tried again, in milliseconds since 1970; only `stats` knows it, from the histories.
    public var nextAttemptAt: Int64?
    /// Milliseconds since 1970.
    public var startedAt: Int64?
    /// Milliseconds since 1970.
    public var updatedAt: Int64?
    /// Milliseconds since 1970.
    public var finishedAt: Int64?
}

/// One execution of an executor's chain: a row of `queries/progress-by-executor.sql`.
public struct ExecutorProgress: StoredRow {
    /// The run.
    public var runID: RunID
    /// The query's name.
    public var query: String
    /// The query id.
    public var queryID: QueryID
    /// The bucket's number, from 1.
    public var bucket: Int
    /// Place in the chain, from 1.
    public var link: Int
    /// The execution id.
    public var executionID: String
    /// Records settled by this execution.
    public var settled: Int64
    /// First ordinal it published.
    public var firstOrdinal: Int64
    /// First ordinal it left to the next one.
    public var nextOrdinal: Int64
    /// Batches settled.
    public var batches: Int
    /// Milliseconds since 1970.
    public var startedAt: Int64
    /// Milliseconds since 1970.
    public var updatedAt: Int64
}
