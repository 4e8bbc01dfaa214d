import Foundation
import Logging
import PubSub
import SQLConnectors
import Synchronization
import Workflows

/// What is open for one run: its spec, its source and sinks, a topic for each query and a reader for each bucket at work.
final class RunWorkspace: Sendable {
    struct Open {
        var topics: [QueryID: Topic<RecordMessages>] = [:]
        var readers: [BucketReference: any BucketReader] = [:]
        var names: [QueryID: StoredQuery] = [:]
        var sizers: [QueryID: BatchSizer] = [:]
        var books: ErrorBooks
        /// When those of other processes are looked at again; nil for at once.
        var booksDue: ContinuousClock.Instant?
        /// Records of a batch, when a person has said so.
        var batch: Int?
    }

    let run: StoredRun
    let spec: BackfillSpec
    let runtime: BackfillRuntime
    let source: any RecordSource
    let sinks: [any Sink]
    private let flow: FlowControl
    let keeper: FlowKeeper
    let logger: Logger
    let opened: Mutex<Open>
    /// Queries whose sinks this process has made ready, where it shares the run with others.
    let prepared = OncePerKey<QueryID, Void>()
    private let plans = OncePerKey<QueryID, [StoredBucket]>()
    /// How many processes share the run, this one included.
    let workers: Mutex<Int>

    var store: RunStore { runtime.store }

    private init(run: StoredRun, spec: BackfillSpec, control: RunControl, books: ErrorBooks, runtime: BackfillRuntime)
        throws
    {
        self.run = run
        self.spec = spec
        self.runtime = runtime
        opened = Mutex(Open(books: books))
        logger = runtime.logger(run: run.runID)
        flow = FlowControl(control.settings(for: spec))
        keeper = FlowKeeper(
            run: run.runID,
            spec: spec,
            store: runtime.store,
            flow: flow,
            logger: logger
        )
        workers = Mutex(1)
        source = try spec.openSource(session: "backfill \(run.runID)")
        sinks = try spec.makeSinks(
            for: run.runID,
            logger: logger,
            busy: { [flow] in flow.busy($0, for: $1) },
            faults: runtime.faults
        )
    }

    /// Opens a run from what was stored of it: the spec as written, with this process's environment, and the SQL as it was.
    static func open(_ id: RunID, runtime: BackfillRuntime) async throws -> RunWorkspace {
        guard let run = try await runtime.store.run(id) else { throw RunRefused.unknown(run: id.rawValue) }
        let spec = try await runtime.spec(of: run)
        let control = try await runtime.store.control(of: id)
        let books = try await runtime.store.errorBooks(of: id)
        runtime.know(try await runtime.store.queries(of: id))
        let workspace = try RunWorkspace(run: run, spec: spec, control: control, books: books, runtime: runtime)
        // Where others are at work, what is not passed may be passed any moment.
        if runtime.fleet == nil, try await workspace.forgetUnpassedLetters() {
            let books = try await runtime.store.errorBooks(of: id)
            workspace.opened.withLock { $0.books = books }
        }
        workspace.obey(control)
        if runtime.fleet != nil { try workspace.startKeeper() }
        return workspace
    }

    /// A process may have ended after it kept a dead letter and before the sink's ledger passed the record: the record is delivered again,
    /// and may arrive now that the target is mended.
    private func forgetUnpassedLetters() async throws -> Bool {
        var forgotten: [UnpassedLetter] = []
        for letter in try await store.unpassedLetters(of: run.runID) {
            let key = LedgerKey(run.runID, BucketReference(queryID: letter.failedIn, number: letter.ownBucket))
            let sink = sinks.first { $0.name == letter.subscription }
            let next = try await sink?.nextOrdinal(for: key) ?? 0
            if next <= letter.ownOrdinal { forgotten.append(letter) }
        }
        try await store.forget(forgotten)
        return !forgotten.isEmpty
    }

    // MARK: Control

    /// Heeds what people have asked of the run.
    func obey(_ control: RunControl) {
        opened.withLock { $0.batch = control.batch }
        var settings = control.settings(for: spec)
        settings.workers = workers.withLock { $0 }
        flow.change(to: settings)
        flow.pause(by: control.paused?.by)
        if control.isEnding { flow.stop() }
    }

    /// The time window is open as far as the orchestrator has seen.
    func windowOpened() { flow.window(isShut: false) }

    // MARK: Publishing

    /// Waits until the run's limits let a batch pass, publishes the one at the cursor, and moves the checkpoint.
    func publishNext(_ cursor: BucketCursor, context: ActivityContext) async throws -> BucketCursor {
        try startKeeper()
        let executionID = context.info.executionID
        let reader = try await reader(for: cursor.bucket)
        let bucket = reader.bucket
        var next = cursor
        next.turnedAway = nil
        let position = cursor.nextOrdinal ?? bucket.nextOrdinal
        next.nextOrdinal = position
        let query = try await query(cursor.bucket.queryID)
        if runtime.fleet != nil { try await makeReady(for: query) }
        let limit = batchLimit(for: query)
        let waiting = try await batch(of: reader, from: position, limit, query, context)
        next.endOrdinal = await reader.end
        guard let waiting else {
            return try await exhausted(next, reader, query, context)
        }
        let answer = try await context.whileIdle {
            try await flow.enter(lane: query.lane, records: waiting.count, bytes: waiting.byteCount) {
                // An attempt that cannot say that it lives is ended by its time limit.
                try? context.heartbeat()
            }
        }
        guard case .pass(let count) = answer else {
            if case .turnedAway(let why) = answer {
                logger.debug(
                    "turned away at ordinal \(position): \(why.rawValue)",
                    metadata: LogMetadata.step(context, query.queryID, bucket: cursor.bucket.number)
                )
                next = next.turnedAway(why)
            }
            return next
        }
        defer { flow.leave() }
        let records = count < waiting.count ? waiting.slice(0..<count) : waiting
        await reader.publishing(count, of: waiting, limit: limit)
        let messages = RecordMessages(
            records: records,
            runID: run.runID,
            queryID: query.queryID,
            query: query.name,
            bucket: cursor.bucket.number,
            executionID: executionID
        )
        let began = ContinuousClock.now
        let receipt = try await topic(for: query).publish(messages, orderingKey: messages.bucketKey)
        let took = ContinuousClock.now - began
        opened.withLock { $0.sizers[query.queryID]?.measured(records.count, took: took) }
        next.endOrdinal = await reader.end
        let stored = try await store.record(
            BatchCheckpoint(
                runID: run.runID,
                queryID: query.queryID,
                bucket: cursor.bucket.number,
                executionID: executionID,
                firstOrdinal: records.firstOrdinal,
                nextOrdinal: records.endOrdinal,
                skipped: await reader.skipped(at: records.firstOrdinal),
                isLast: records.endOrdinal == next.endOrdinal,
                redeliveries: receipt.redeliveries
            ),
            of: query
        )
        runtime.metrics.published(receipt, took)
        logger.trace(
            "a batch of \(records.count) records from ordinal \(records.firstOrdinal) in \(took), \(receipt.redeliveries) redeliveries",
            metadata: LogMetadata.step(context, query.queryID, bucket: cursor.bucket.number)
        )
        if cursor.batches == 0 {
            logger.debug(
                "published from ordinal \(records.firstOrdinal), in batches of up to \(limit.records) records",
                metadata: LogMetadata.step(context, query.queryID, bucket: cursor.bucket.number)
            )
        }
        next.nextOrdinal = records.endOrdinal
        next.deadLettered = stored.deadLettered
        next.batches += 1
        if next.isDone {
            opened.withLock { $0.readers[cursor.bucket] = nil }
            logger.debug(
                "bucket complete after \(next.batches) batches, \(next.deadLettered) dead letters",
                metadata: LogMetadata.step(context, query.queryID, bucket: cursor.bucket.number)
            )
        }
        return next
    }

    /// The next records. A source that is read directly may sort for an hour before the first one: meanwhile the attempt says that it lives,
    /// and may be cut short.
    private func batch(
        of reader: any BucketReader,
        from position: Int64,
        _ limit: BatchLimit,
        _ query: StoredQuery,
        _ context: ActivityContext
    ) async throws -> RecordBatch? {
        guard query.direct != nil else { return try await reader.batch(from: position, limit: limit) }
        return try await context.whileIdle {
            try await withThrowingTaskGroup(of: RecordBatch?.self) { group in
                group.addTask { try await reader.batch(from: position, limit: limit) }
                group.addTask {
                    while true {
                        try await Task.sleep(for: .seconds(60))
                        try? context.heartbeat()
                    }
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
        }
    }

    /// Nothing of a bucket is left, and whoever published the last batch could not know it, or did not live to say so.
    private func exhausted(
        _ cursor: BucketCursor,
        _ reader: any BucketReader,
        _ query: StoredQuery,
        _ context: ActivityContext
    ) async throws -> BucketCursor {
        var next = cursor
        let end = max(cursor.nextOrdinal ?? 0, cursor.endOrdinal ?? 0)
        let stored = try await store.record(
            BatchCheckpoint(
                runID: run.runID,
                queryID: query.queryID,
                bucket: cursor.bucket.number,
                executionID: context.info.executionID,
                firstOrdinal: end,
                nextOrdinal: end,
                skipped: await reader.skipped(at: end),
                isLast: true,
                redeliveries: 0
            ),
            of: query
        )
        next.nextOrdinal = stored.nextOrdinal
        next.endOrdinal = stored.nextOrdinal
        next.deadLettered = stored.deadLettered
        opened.withLock { $0.readers[cursor.bucket] = nil }
        return next
    }

    /// What the next batch of a query may hold: what the spec or a person says, what has shown to take the right time, and no more than
    /// its pace lets pass at once.
    private func batchLimit(for query: StoredQuery) -> BatchLimit {
        let records = opened.withLock { open in
            if let batch = open.batch { return batch }
            if spec.batch.target == nil { return spec.batch.records }
            // Stored, for `measured` is for those that are there.
            let sizer = open.sizers[query.queryID] ?? BatchSizer(spec.batch)
            open.sizers[query.queryID] = sizer
            return sizer.records
        }
        return BatchLimit(records: flow.portion(of: records, lane: query.lane), bytes: spec.batch.byteCount)
    }

    /// Counts a new dead letter against the budgets; when one would be exceeded, nothing more is published.
    ///
    /// - Throws: ``BudgetExhausted``; the dead letter does not count then.
    func admitDeadLetter(of query: QueryID) throws {
        let exceeded = opened.withLock { open in
            open.books.queries[query]?.deadLetters += 1
            guard let exceeded = open.books.exceeded(spec) else { return String?.none }
            open.books.queries[query]?.deadLetters -= 1
            return exceeded
        }
        guard let exceeded else { return }
        flow.stop()
        throw BudgetExhausted(description: exceeded)
    }

    private func query(_ id: QueryID) async throws -> StoredQuery {
        if let known = opened.withLock({ $0.names[id] }) { return known }
        guard let query = try await store.query(id) else { throw PlanLost(queryID: id, bucket: 0) }
        opened.withLock { open in
            open.names[id] = query
            // Its result was staged since the books were opened.
            open.books.queries[id]?.records = query.plannedRecords
        }
        return query
    }

    func reader(known bucket: BucketReference) -> (any BucketReader)? { opened.withLock { $0.readers[bucket] } }

    /// The next batch of the bucket is read by a new reader, which begins with what the run store holds.
    func letGo(of bucket: BucketReference) { opened.withLock { $0.readers[bucket] = nil } }

    private func reader(for bucket: BucketReference) async throws -> any BucketReader {
        if let known = opened.withLock({ $0.readers[bucket] }) { return known }
        let plan = try await plan(of: bucket.queryID)
        let query = try await query(bucket.queryID)
        guard let stored = try await store.bucket(bucket.number, of: bucket.queryID),
            plan.contains(where: { $0.number == bucket.number })
        else { throw PlanLost(queryID: bucket.queryID, bucket: bucket.number) }
        let fresh: any BucketReader
        if let staged = query.staged {
            fresh = StagedBucketReader(bucket: stored, reader: try await runtime.results.reader(of: staged))
        } else if query.direct != nil {
            fresh = try directReader(of: stored, query)
        } else {
            throw PlanLost(queryID: bucket.queryID, bucket: bucket.number)
        }
        opened.withLock { $0.readers[bucket] = fresh }
        return fresh
    }

    /// The frozen plan, validated once when it is read back.
    private func plan(of query: QueryID) async throws -> [StoredBucket] {
        let store = store
        return try await plans.value(for: query) {
            let buckets = try await store.buckets(of: query)
            let recordCount = try await store.query(query)?.plannedRecords ?? 0
            _ = try BucketPlan(
                stored: buckets.map {
                    Bucket(
                        number: $0.number,
                        firstOrdinal: $0.firstOrdinal,
                        endOrdinal: $0.endOrdinal,
                        byteCount: $0.byteCount,
                        keys: $0.keyRange
                    )
                },
                recordCount: recordCount
            )
            return buckets
        }
    }

    // MARK: The end

    /// Gives the sinks' results their final form. Safe to repeat.
    func finishSinks() async throws {
        for sink in sinks { try await sink.finish() }
    }

    /// The run is cancelled: removes what it has staged, and what a sink would have made of it.
    func discard() async throws {
        for sink in sinks { try await sink.abandon() }
        // A later run has to know what a canary has published.
        if run.canary != nil, spec.appends { return }
        for query in try await store.queries(of: run.runID) {
            try await runtime.results.remove(beginningWith: "\(query.queryID).")
        }
        try await runtime.results.remove(beginningWith: "\(run.runID).")
    }

    func close() async {
        keeper.stop()
        for (_, topic) in opened.withLock(\.topics).sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            await topic.close()
        }
        for sink in sinks { await sink.close() }
        opened.withLock { $0 = Open(books: $0.books) }
        prepared.removeAll()
        plans.removeAll()
        await removeCopies()
    }
}

extension StoredQuery {
    /// Whether a subscription gets its messages.
    package func reaches(_ subscription: String) -> Bool {
        self.subscription == nil || self.subscription == subscription
    }
}
