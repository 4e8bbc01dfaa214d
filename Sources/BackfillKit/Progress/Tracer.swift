import Foundation
import GRDB
import SQLConnectors

/// What is known of an id that `trace` was given.
public struct TraceFinding: Encodable, Sendable {
    /// What was found: `record`, `query` or `execution`.
    public var kind: String
    /// The run.
    public var runID: RunID
    /// The query's name.
    public var query: String
    /// The query id.
    public var queryID: QueryID
    /// The query's state.
    public var queryState: QueryState
    /// For a record: where it stands.
    public var record: TracedRecord?
    /// For a query: its progress.
    public var progress: QueryProgress?
    /// For an execution: what it did.
    public var execution: ExecutorProgress?
    /// Dead letters of the record, or of all the execution's records (the first hundred).
    public var deadLetters: [StoredDeadLetter]
}

/// Where one record of a result stands.
public struct TracedRecord: Encodable, Sendable {
    /// The key's text.
    public var recordID: String
    /// Place in the staged result, from 1.
    public var ordinal: Int64
    /// The bucket that holds it; nil when the plan is not made.
    public var bucket: Int?
    /// `settled` (acked or dead-lettered by every subscription), `waiting`, or `not planned`.
    public var state: String
    /// The execution that settled it.
    public var executionID: String?
    /// The correlation id of its message; nil while it is not settled.
    public var correlationID: String?
    /// When the batch after it was settled at the latest: the last sign of that execution, in milliseconds since 1970.
    public var settledBefore: Int64?
    /// The record's columns as a JSON object, when asked for.
    public var payload: String?
}

/// Finds all that is known of a correlation id, a query id, an execution id or a bare record id.
public struct Tracer: Sendable {
    private let store: RunStore
    private let results: ResultFiles

    /// Reads the given store and the staged results below the state folder.
    public init(store: RunStore, state: StateFolder) {
        self.store = store
        results = ResultFiles(state, store)
    }

    /// Looks the id up in one run, or in all runs, newest first.
    public func trace(_ id: String, in run: RunID? = nil, withPayload: Bool = false) async throws -> [TraceFinding] {
        switch TraceTarget.parse(id) {
        case .correlation(let correlation):
            guard let query = try await store.query(correlation.queryID), run == nil || query.runID == run else {
                return []
            }
            return try await findings(ofRecord: correlation.recordID, in: [query], withPayload: withPayload)
        case .queryOrExecution(let text):
            let byID = try await findings(ofQueryOrExecution: text, in: run)
            // Sixteen letters may also be somebody's key.
            return try await byID.isEmpty
                ? findings(ofRecord: text, in: queries(of: run), withPayload: withPayload) : byID
        case .record(let recordID):
            return try await findings(ofRecord: recordID, in: queries(of: run), withPayload: withPayload)
        }
    }

    private func queries(of run: RunID?) async throws -> [StoredQuery] {
        if let run { return try await store.queries(of: run) }
        var all: [StoredQuery] = []
        for run in try await store.runs() { all += try await store.queries(of: run.runID) }
        return all
    }

    private func findings(ofQueryOrExecution text: String, in run: RunID?) async throws -> [TraceFinding] {
        if let query = try await store.query(QueryID(rawValue: text)), run == nil || query.runID == run {
            let progress = try await ProgressReader(store).queries(of: query.runID).first {
                $0.queryID == query.queryID
            }
            return [finding("query", of: query, progress: progress)]
        }
        guard let execution = try await store.execution(text), run == nil || execution.runID == run,
            let query = try await store.query(execution.queryID)
        else { return [] }
        let letters = try await store.deadLetters(
            of: query.queryID,
            from: execution.firstOrdinal,
            to: execution.nextOrdinal,
            limit: 100
        )
        return [finding("execution", of: query, execution: execution, deadLetters: letters)]
    }

    private func findings(ofRecord recordID: String, in queries: [StoredQuery], withPayload: Bool) async throws
        -> [TraceFinding]
    {
        var found: [TraceFinding] = []
        for query in queries {
            if query.direct != nil { found += try await lettersAlone(of: recordID, query) }
            guard let staged = query.staged else { continue }
            // Those of a cancelled run are gone.
            if try await !results.find(staged) { continue }
            let reader = try await results.reader(of: staged)
            for batch in try await reader.find(key: recordID) {
                let record = try await traced(batch, query: query, withPayload: withPayload)
                let letters = try await store.deadLetters(
                    of: query.queryID,
                    from: record.ordinal,
                    to: record.ordinal + 1,
                    limit: 100
                )
                found.append(finding("record", of: query, record: record, deadLetters: letters))
            }
        }
        return found
    }

    /// Of records that were read directly only those are known that were refused.
    private func lettersAlone(of recordID: String, _ query: StoredQuery) async throws -> [TraceFinding] {
        let letters = try await store.deadLetters(of: query.runID, DeadLetterFilter(recordID: recordID))
            .filter { $0.queryID == query.queryID }
        var found: [TraceFinding] = []
        for (ordinal, letters) in Dictionary(grouping: letters, by: \.ordinal).sorted(by: { $0.key < $1.key }) {
            let letter = letters[0]
            let checkpoint = try await store.bucket(letter.bucket, of: query.queryID)?.nextOrdinal ?? 0
            let record = TracedRecord(
                recordID: recordID,
                ordinal: ordinal,
                bucket: letter.bucket,
                state: ordinal < checkpoint ? "settled" : "waiting",
                executionID: letter.executionID,
                correlationID: letter.correlationID
            )
            found.append(finding("record", of: query, record: record, deadLetters: letters))
        }
        return found
    }

    private func traced(_ batch: RecordBatch, query: StoredQuery, withPayload: Bool) async throws -> TracedRecord {
        let ordinal = batch.firstOrdinal
        let bucket = try await store.bucket(holding: ordinal, of: query.queryID)
        var record = TracedRecord(
            recordID: batch.key(at: 0),
            ordinal: ordinal,
            bucket: bucket?.number,
            state: bucket.map { ordinal < $0.nextOrdinal ? "settled" : "waiting" } ?? "not planned"
        )
        if withPayload { record.payload = RecordJSON.lenientObject(of: batch, row: 0) }
        if let execution = try await store.execution(settling: ordinal, of: query.queryID) {
            record.executionID = execution.executionID
            record.settledBefore = execution.updatedAt
            record.correlationID =
                CorrelationID(queryID: query.queryID, executionID: execution.executionID, recordID: record.recordID)
                .description
        }
        return record
    }

    private func finding(
        _ kind: String,
        of query: StoredQuery,
        record: TracedRecord? = nil,
        progress: QueryProgress? = nil,
        execution: ExecutorProgress? = nil,
        deadLetters: [StoredDeadLetter] = []
    ) -> TraceFinding {
        TraceFinding(
            kind: kind,
            runID: query.runID,
            query: query.name,
            queryID: query.queryID,
            queryState: query.state,
            record: record,
            progress: progress,
            execution: execution,
            deadLetters: deadLetters
        )
    }
}

extension RunStore {
    /// What an execution of an executor's chain did.
    func execution(_ id: String) async throws -> ExecutorProgress? {
        try await database.read { db in
            try ExecutorProgress.fetchOne(
                db,
                sql: "SELECT * FROM executor_progress WHERE execution_id = ?",
                arguments: [id]
            )
        }
    }

    /// The execution that settled a record.
    func execution(settling ordinal: Int64, of query: QueryID) async throws -> ExecutorProgress? {
        try await database.read { db in
            try ExecutorProgress.fetchOne(
                db,
                sql: """
                    SELECT * FROM executor_progress
                    WHERE query_id = ? AND first_ordinal <= ?2 AND next_ordinal > ?2 ORDER BY updated_at DESC LIMIT 1
                    """,
                arguments: [query, ordinal]
            )
        }
    }

    /// The bucket whose range holds an ordinal.
    func bucket(holding ordinal: Int64, of query: QueryID) async throws -> StoredBucket? {
        try await database.read { db in
            try StoredBucket.fetchOne(
                db,
                sql: "SELECT * FROM bucket WHERE query_id = ? AND first_ordinal <= ?2 AND end_ordinal > ?2",
                arguments: [query, ordinal]
            )
        }
    }

    /// Dead letters of a query in a range of ordinals.
    func deadLetters(of query: QueryID, from: Int64, to: Int64, limit: Int) async throws -> [StoredDeadLetter] {
        try await database.read { db in
            try StoredDeadLetter.fetchAll(
                db,
                sql: """
                    SELECT * FROM dead_letter WHERE query_id = ? AND ordinal >= ? AND ordinal < ?
                    ORDER BY ordinal, subscription LIMIT ?
                    """,
                arguments: [query, from, to, limit]
            )
        }
    }
}
