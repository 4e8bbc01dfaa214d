import Foundation
import PubSub
import SQLConnectors
import Synchronization

/// What is open for one run: its spec, its source and sinks, a topic for each query and a reader for each bucket at work.
final class RunWorkspace: Sendable {
    private struct Open {
        var topics: [QueryID: Topic<RecordMessages>] = [:]
        var readers: [BucketReference: BucketReader] = [:]
        var plans: [QueryID: Task<[StoredBucket], any Error>] = [:]
        var names: [QueryID: StoredQuery] = [:]
    }

    let run: StoredRun
    let spec: BackfillSpec
    private let runtime: BackfillRuntime
    private let source: any RecordSource
    private let sinks: [any Sink]
    private let opened = Mutex(Open())

    private var store: RunStore { runtime.store }

    private init(run: StoredRun, spec: BackfillSpec, runtime: BackfillRuntime) throws {
        self.run = run
        self.spec = spec
        self.runtime = runtime
        source = try spec.openSource(session: "backfill \(run.runID)")
        sinks = try spec.makeSinks(for: run.runID, logger: runtime.logger, faults: runtime.faults)
    }

    /// Opens a run from what was stored of it: the spec as written, with this process's environment, and the SQL as it was.
    static func open(_ id: RunID, runtime: BackfillRuntime) async throws -> RunWorkspace {
        guard let run = try await runtime.store.run(id) else { throw RunRefused.unknown(run: id.rawValue) }
        let spec = try await runtime.spec(of: run)
        return try RunWorkspace(run: run, spec: spec, runtime: runtime)
    }

    // MARK: Before the first record

    /// Makes what the sinks need for a query's records, and checks them. Safe to repeat.
    func prepareSinks(for query: StoredQuery) async throws {
        let schema: RecordSchema
        if let staged = query.staged {
            schema = staged.schema
        } else {
            schema = try await source.check(try spec.sourceQuery(named: query.name))
        }
        for sink in sinks { try await sink.prepare(schema) }
    }

    /// Stages a query's rows.
    func stage(_ query: StoredQuery, progress: @escaping @Sendable (Int64) -> Void) async throws -> StagedResult {
        try await source.stage(
            try spec.sourceQuery(named: query.name),
            as: "\(query.queryID).sqlite",
            in: runtime.state.results,
            progress: progress
        )
    }

    /// Stages queries so that all see the same instant.
    ///
    /// - Parameter progress: told a query's position and its records so far.
    func stageTogether(
        _ queries: [StoredQuery],
        progress: @escaping @Sendable (_ query: Int, _ records: Int64) -> Void
    ) async throws -> [StagedResult] {
        guard let source = source as? PostgreSQLSource else {
            throw SourceError("`consistent: true` needs a PostgreSQL source. Take it out, or make one query.")
        }
        let named = try queries.map { (try spec.sourceQuery(named: $0.name), "\($0.queryID).sqlite") }
        return try await source.stageTogether(named, in: runtime.state.results, progress: progress)
    }

    /// Cuts a staged result as the spec says.
    func plan(_ staged: StagedResult) async throws -> BucketPlan {
        try await spec.plan(staged, in: runtime.state.results)
    }

    // MARK: Publishing

    /// Publishes the batch at the cursor and moves the checkpoint.
    func publishNext(_ cursor: BucketCursor, executionID: String) async throws -> BucketCursor {
        let reader = try await reader(for: cursor.bucket)
        let bucket = reader.bucket
        var next = cursor
        next.endOrdinal = bucket.endOrdinal
        let position = cursor.nextOrdinal ?? bucket.nextOrdinal
        next.nextOrdinal = position
        guard position < bucket.endOrdinal else { return next }

        let query = try await query(cursor.bucket.queryID)
        let records = try await reader.batch(from: position)
        await reader.readAhead(from: records.endOrdinal)
        let messages = RecordMessages(
            records: records,
            runID: run.runID,
            queryID: query.queryID,
            query: query.name,
            bucket: cursor.bucket.number,
            executionID: executionID
        )
        let receipt = try await topic(for: query).publish(messages, orderingKey: messages.bucketKey)
        let stored = try await store.record(
            BatchCheckpoint(
                runID: run.runID,
                queryID: query.queryID,
                bucket: cursor.bucket.number,
                executionID: executionID,
                firstOrdinal: position,
                nextOrdinal: records.endOrdinal,
                redeliveries: receipt.redeliveries
            )
        )
        next.nextOrdinal = records.endOrdinal
        next.deadLettered = stored.deadLettered
        next.batches += 1
        if next.isDone { opened.withLock { $0.readers[cursor.bucket] = nil } }
        return next
    }

    private func query(_ id: QueryID) async throws -> StoredQuery {
        if let known = opened.withLock({ $0.names[id] }) { return known }
        guard let query = try await store.query(id) else { throw PlanLost(queryID: id, bucket: 0) }
        opened.withLock { $0.names[id] = query }
        return query
    }

    private func reader(for bucket: BucketReference) async throws -> BucketReader {
        if let known = opened.withLock({ $0.readers[bucket] }) { return known }
        let plan = try await plan(of: bucket.queryID)
        guard let stored = try await store.bucket(bucket.number, of: bucket.queryID),
            plan.contains(where: { $0.number == bucket.number }),
            let staged = try await query(bucket.queryID).staged
        else { throw PlanLost(queryID: bucket.queryID, bucket: bucket.number) }
        let records = try StagedReader(staged.location(in: runtime.state.results), schema: staged.schema)
        let limit = BatchLimit(records: spec.batch.records, bytes: spec.batch.byteCount)
        let fresh = BucketReader(bucket: stored, reader: records, limit: limit)
        opened.withLock { $0.readers[bucket] = fresh }
        return fresh
    }

    /// The frozen plan, validated once when it is read back.
    private func plan(of query: QueryID) async throws -> [StoredBucket] {
        let reading = opened.withLock { open in
            if let known = open.plans[query] { return known }
            let store = store
            let fresh = Task {
                let buckets = try await store.buckets(of: query)
                let recordCount = try await store.query(query)?.staged?.recordCount ?? 0
                _ = try BucketPlan(
                    stored: buckets.map {
                        Bucket(
                            number: $0.number,
                            firstOrdinal: $0.firstOrdinal,
                            endOrdinal: $0.endOrdinal,
                            byteCount: $0.byteCount
                        )
                    },
                    recordCount: recordCount
                )
                return buckets
            }
            open.plans[query] = fresh
            return fresh
        }
        do {
            return try await reading.value
        } catch {
            opened.withLock { if $0.plans[query] == reading { $0.plans[query] = nil } }
            throw error
        }
    }

    /// A topic holds a batch of each executor, and room for the next ones.
    private func topic(for query: StoredQuery) throws -> Topic<RecordMessages> {
        try opened.withLock { open in
            if let known = open.topics[query.queryID] { return known }
            let options = TopicOptions(
                highWatermarkMessages: spec.executors * spec.batch.records,
                highWatermarkBytes: spec.executors * spec.batch.byteCount
            )
            let topic = Topic<RecordMessages>(name: "\(run.runID)/\(query.name)", options: options)
            for sink in sinks {
                try topic.subscribe(
                    sink.name,
                    options: Self.sinkOptions,
                    subscriber: SinkSubscription(sink: sink),
                    deadLetters: DeadLetterKeeper(store: store, subscription: sink.name)
                )
            }
            for (name, subscriber) in runtime.subscribers.sorted(by: { $0.key < $1.key }) {
                try topic.subscribe(
                    name,
                    subscriber: subscriber,
                    deadLetters: DeadLetterKeeper(store: store, subscription: name)
                )
            }
            open.topics[query.queryID] = topic
            return topic
        }
    }

    /// A sink that is unavailable is retried as a whole attempt of PublishBatch, where `stats` and `history` show it; and its own time
    /// limits (busy timeout) end a delivery, so there is no deadline on top. One that waits because a server asks for it leaves when the
    /// run is stopped.
    private static let sinkOptions = SubscriptionOptions(
        ackDeadline: nil,
        maximumUnavailableAttempts: 1,
        cancelsWithPublisher: true
    )

    // MARK: The end

    /// Gives the sinks' results their final form. Safe to repeat.
    func finishSinks() async throws {
        for sink in sinks { try await sink.finish() }
    }

    func close() async {
        for topic in opened.withLock({ Array($0.topics.values) }) { await topic.close() }
        for sink in sinks { await sink.close() }
        opened.withLock { $0 = Open() }
    }
}
