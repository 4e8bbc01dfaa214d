import Foundation
public import GRDB
public import SQLConnectors

/// Where a run stands as far as its orchestrator has said.
///
/// `running` says that an orchestrator was started and has not finished; whether a live process works on it, the engine knows.
public enum RunState: String, Codable, Sendable, DatabaseValueConvertible {
    /// An orchestrator was started and has not reported.
    case running
    /// Every record is settled and the dead letters are within what the spec tolerates.
    case complete
    /// The orchestrator has reported and something is left to do: a query or bucket failed, or too many dead letters.
    case incomplete
    /// Somebody cancelled it; its staged results are gone.
    case cancelled
}

/// What a query of a run is.
public enum QueryKind: String, Codable, Sendable, DatabaseValueConvertible {
    /// A query of the spec.
    case query
    /// A query of the spec whose SQL was mended: another one took its place for what it had not published.
    case superseded
    /// Records of a superseded query that one subscription lacks though others took them, with the mended SQL.
    case catchUp = "catch-up"
    /// Dead letters of another query, published again to the subscription that refused them.
    case redrive
    /// Records of another query that a target lacked or held otherwise, published again to it.
    case repair
}

/// Where a query of a run stands.
public enum QueryState: String, Codable, Sendable, DatabaseValueConvertible {
    /// Nothing was done yet.
    case pending
    /// Its rows are being staged.
    case extracting
    /// Its result is staged and cut into buckets; the plan is frozen.
    case planned
    /// Every bucket is complete.
    case complete
    /// It could not be staged, or a bucket failed.
    case failed
}

/// Where a bucket stands.
public enum BucketState: String, Codable, Sendable, DatabaseValueConvertible {
    /// No executor has published for it yet.
    case pending
    /// An executor was started for it.
    case running
    /// Every record of it is settled.
    case complete
    /// Its executor gave up; the checkpoint stands.
    case failed
}

/// A run as stored.
public struct StoredRun: StoredRow {
    /// The run id: `<name>-<sortable suffix>`.
    public var runID: RunID
    /// The spec's name.
    public var name: String
    /// The absolute path of the spec file as it was when the run began.
    public var specFile: String
    /// Recognises "the same spec".
    public var specDigest: String
    /// The spec as written; `${VARIABLES}` are not resolved in it, so it holds no secret.
    public var specText: String
    /// What the orchestrator has said.
    public var state: RunState
    /// How often an orchestrator was started for this run.
    public var pass: Int
    /// Milliseconds since 1970.
    public var createdAt: Int64
    /// Milliseconds since 1970.
    public var finishedAt: Int64?
    /// Why the run is incomplete, in one line.
    public var error: String?
    /// Which part of the records it takes; nil for all.
    public var canary: Canary?
    /// How long the run would take, if that was asked before it began.
    public var forecastSeconds: Double?
}

/// A query of a run as stored, with the SQL text frozen when the run began.
public struct StoredQuery: StoredRow {
    /// The query id, second part of every correlation id.
    public var queryID: QueryID
    /// The run it belongs to.
    public var runID: RunID
    /// The name in the spec.
    public var name: String
    /// Place in the spec, from 0.
    public var position: Int
    /// The lane it runs in; nil is the lane without a limit.
    public var lane: String?
    /// The SQL text.
    public var sql: String
    /// Where it stands.
    public var state: QueryState
    /// The staged result, once there.
    public var staged: StagedResult?
    /// What was found when it was cut, of a query that is read directly.
    public var direct: DirectResult?
    /// How many buckets the frozen plan has.
    public var bucketCount: Int?
    /// Why it failed.
    public var error: String?
    /// What it is.
    public var kind: QueryKind = .query
    /// Of a redrive, repair or catch-up: the query whose records it publishes again.
    public var originID: QueryID?
    /// Of those: the only subscription that gets its messages.
    public var subscription: String?
    /// Queries whose published keys are left out when its rows are staged: those of canaries, and of itself before its SQL was mended.
    public var skips: [QueryID]?

    /// How many records there were when the plan was made; nil before.
    var plannedRecords: Int64? { staged?.recordCount ?? direct?.recordCount }

    /// The columns, once they are known.
    var schema: RecordSchema? { staged?.schema ?? direct?.schema }

    /// The query under which a record's dead letters are kept instead: only redrives and repairs know each record's place in it.
    var letterOrigin: QueryID? { kind == .redrive || kind == .repair ? originID : nil }
}

/// What is kept of a query that is read directly: what there was when it was cut.
public struct DirectResult: Codable, Hashable, Sendable {
    /// Records.
    public var recordCount: Int64
    /// The columns.
    public var schema: RecordSchema
}

/// A bucket of a frozen plan with its checkpoint.
public struct StoredBucket: StoredRow {
    /// The query it belongs to.
    public var queryID: QueryID
    /// 1-based.
    public var number: Int
    /// First ordinal of the range.
    public var firstOrdinal: Int64
    /// End of the range, exclusive.
    public var endOrdinal: Int64
    /// Bytes of its records, when the plan was made by bytes.
    public var byteCount: Int64?
    /// The range of keys that is read, of a query that is read directly.
    public var keyRange: KeyRange?
    /// Where it stands.
    public var state: BucketState
    /// The checkpoint: the first ordinal that is not settled.
    public var nextOrdinal: Int64
    /// Ordinals below the checkpoint that no record has; only where records are read directly.
    public var skipped: Int64
    /// What may have reached a sink and is not settled; only where records are read directly.
    var reservation: Reservation?
    /// Records of it that became dead letters.
    public var deadLettered: Int64
    /// Why it failed or what made it retry last.
    public var error: String?
}

/// A message that a subscription could not take, kept with its payload.
public struct StoredDeadLetter: StoredRow {
    /// The run.
    public var runID: RunID
    /// The query.
    public var queryID: QueryID
    /// The record's ordinal in the staged result.
    public var ordinal: Int64
    /// The subscription (sink) that refused it.
    public var subscription: String
    /// The bucket it lies in.
    public var bucket: Int
    /// The key's text.
    public var recordID: String
    /// The execution that published it.
    public var executionID: String
    /// `etl-<query id>-<execution id>-<record id>`.
    public var correlationID: String
    /// The error's type name.
    public var errorType: String
    /// The error's text.
    public var error: String
    /// Delivery attempts spent on it.
    public var attempts: Int
    /// The record's columns as a JSON object.
    public var payload: String
    /// Milliseconds since 1970.
    public var createdAt: Int64
    /// The query, redrive or repair whose message was refused last.
    public var failedIn: QueryID?
    /// When somebody said that the record need not arrive; nil for those that are open.
    public var discardedAt: Int64?
    /// Who said so.
    public var discardedBy: String?
}
