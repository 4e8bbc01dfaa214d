import Foundation
import SQLConnectors
public import Workflows

/// Starts runs, carries them on and waits for them, on whichever engine it is given.
public struct Backfill: Sendable {
    let runtime: BackfillRuntime
    let client: any WorkflowClient
    private let adopt: @Sendable (_ workflowID: String) async throws -> Void

    /// - Parameters:
    ///   - runtime: whose workflows and activities the engine knows.
    ///   - client: the engine.
    ///   - adopt: takes over the open executions of a workflow id from a process that died; throws
    ///     ``WorkflowClientError`` `.ownedByLiveProcess` when it has not.
    public init(
        runtime: BackfillRuntime,
        client: any WorkflowClient,
        adopt: @escaping @Sendable (_ workflowID: String) async throws -> Void
    ) {
        self.runtime = runtime
        self.client = client
        self.adopt = adopt
    }

    var store: RunStore { runtime.store }

    /// Stores a new run of a spec. Nothing is at work on it before ``start(_:)``.
    ///
    /// Records that a canary of the same spec has published are left out when a table of the spec is appended to: there they would come
    /// twice.
    ///
    /// - Parameters:
    ///   - besideUnfinished: allows a second run while another one of the same spec is not complete.
    ///   - part: which records to take; nil for all.
    ///   - repeatingCanaries: publishes what canaries have published again.
    ///   - forecast: how long the run would take, to be compared with the fact when it has ended.
    /// - Throws: ``RunRefused`` when it may not begin, ``StateError``.
    public func create(
        _ spec: BackfillSpec,
        besideUnfinished: Bool = false,
        part: RecordPart? = nil,
        repeatingCanaries: Bool = false,
        forecast: Forecast? = nil
    ) async throws -> RunID {
        if spec.stage == .direct, part != nil { throw RunRefused.directCanary }
        try requireStage(of: spec)
        let at = store.nowMilliseconds
        let runID = RunID.make(name: spec.name, milliseconds: at, random: .random(in: 0...UInt64.max))
        var run = StoredRun(
            runID: runID,
            name: spec.name,
            specFile: spec.file,
            specDigest: spec.digest,
            specText: spec.sourceText,
            state: .running,
            pass: 1,
            createdAt: at,
            canary: part.map { Canary(limit: $0.limit, keyCount: $0.keys?.count) }
        )
        let skips = repeatingCanaries || !spec.appends ? [:] : try await publishedCanaries(run, spec)
        if spec.stage == .direct, let query = skips.keys.min() { throw RunRefused.directAfterCanary(query) }
        if let keys = part?.keys { try await runtime.results.keep(keys, of: runID) }
        run.forecastSeconds = forecast?.seconds
        let queries = spec.queries.enumerated().map { position, query in
            StoredQuery(
                queryID: QueryID.make(milliseconds: at, random: .random(in: 0...UInt64.max)),
                runID: runID,
                name: query.name,
                position: position,
                lane: query.lane,
                sql: query.sql.text,
                state: .pending,
                skips: skips[query.name]
            )
        }
        try await store.create(run, queries: queries, hookSQL: spec.hookSQL, besideUnfinished: besideUnfinished)
        return runID
    }

    /// - Throws: ``RunRefused`` when results cannot be kept where the spec says.
    func requireStage(of spec: BackfillSpec) throws {
        if spec.stage == .postgres, store.files == nil { throw RunRefused.stageNeedsDatabase }
    }

    /// Queries of earlier canaries, by name, of which a table that is appended to holds records: its own ledger says so. A canary that went
    /// to another table, or to one that was made anew since, is no reason to leave anything out.
    private func publishedCanaries(_ run: StoredRun, _ spec: BackfillSpec) async throws -> [String: [QueryID]] {
        var published: [String: [QueryID]] = [:]
        for query in try await store.canaryQueries(like: run) where spec.queries.indices.contains(query.position) {
            let sinks = try zip(spec.sinks, spec.makeSinks(for: query.runID)).filter { $0.0.appends }.map(\.1)
            for bucket in try await store.buckets(of: query.queryID) {
                let key = LedgerKey(query.runID, BucketReference(queryID: query.queryID, number: bucket.number))
                var isThere = false
                for sink in sinks where !isThere {
                    isThere = try await sink.nextOrdinal(for: key).map { $0 > bucket.firstOrdinal } ?? false
                }
                guard isThere else { continue }
                published[spec.queries[query.position].name, default: []].append(query.queryID)
                break
            }
            for sink in sinks { await sink.close() }
        }
        return published
    }

    /// The canaries whose records a run leaves out.
    public func skippedCanaries(of runID: RunID) async throws -> [RunID] {
        var runs: [RunID] = []
        for id in Set(try await store.queries(of: runID).flatMap { $0.skips ?? [] }) {
            if let run = try await store.query(id)?.runID, run != runID, !runs.contains(run) { runs.append(run) }
        }
        return runs.sorted { $0.rawValue < $1.rawValue }
    }

    /// Starts the orchestrator of a new run.
    public func start(_ runID: RunID) async throws {
        let run = try await known(runID)
        try await begin(run, pass: run.pass, only: nil)
    }

    /// What a resume would do.
    public enum Resumption: Sendable, Equatable {
        /// The orchestrator is open and its process is gone: it is taken over where it stands.
        case takeOver
        /// The orchestrator has reported: a new one is started for what is unfinished, or for one bucket.
        case restart(only: BucketReference?)
    }

    /// Finds out how a run can be carried on, that what is staged is whole, and that no target has lost what it had taken; publishes nothing.
    ///
    /// - Parameter endingPass: the pass is going to be stopped first; on a cluster its workers can be told so, and it need not be over.
    /// - Throws: ``RunRefused`` (unknown, complete, at work elsewhere, no such failed bucket), or the staged result's error, which
    ///   names the file and what to do.
    public func planResumption(
        of runID: RunID,
        bucket: Int? = nil,
        query: String? = nil,
        endingPass: Bool = false
    ) async throws -> Resumption {
        let run = try await known(runID)
        let description = try await client.describe(runID.rawValue)
        let isOpen = description?.status == .running
        // One that died between its last write here and its last history has a word left to say, and until then nothing else may begin.
        if run.state == .complete, !isOpen { throw RunRefused.complete(run: runID) }
        if run.state == .cancelled, !isOpen { throw RunRefused.cancelled(run: runID) }
        if isOpen, let owner = description?.owner, owner.isAlive, !(endingPass && owner.processID == nil) {
            throw RunRefused.working(run: runID, by: owner)
        }
        // What is cancelled needs its results and targets no more, and may have lost some of them.
        if run.state != .cancelled {
            for query in try await store.queries(of: runID) where query.state != .complete && query.kind != .superseded
            {
                try await runtime.verify(query)
            }
            try await requireWhatWasTaken(by: run)
        }
        guard let bucket else { return isOpen ? .takeOver : .restart(only: nil) }
        if isOpen { throw RunRefused.interrupted(run: runID) }
        return .restart(only: try await failedBucket(bucket, query: query, of: runID))
    }

    /// Carries a run on as ``planResumption(of:bucket:query:)`` found.
    ///
    /// - Parameter repeatingChanged: publishes again what a failed bucket could not tell apart, for its source has changed.
    /// - Throws: ``RunRefused`` when another process was faster, or no bucket waits for its records to be repeated.
    public func resume(_ runID: RunID, _ resumption: Resumption, repeatingChanged: Bool = false) async throws {
        let run = try await known(runID)
        if repeatingChanged {
            guard case .restart(let only) = resumption else { throw RunRefused.interruptedFirst(run: runID) }
            guard try await store.allowRepeating(runID, only: only) > 0 else {
                throw RunRefused.nothingChanged(run: runID)
            }
        }
        switch resumption {
        case .takeOver:
            do {
                try await store.noteProcess(ProcessInfo.processInfo.processIdentifier, on: runID)
                try await adopt(runID.rawValue)
            } catch let error as WorkflowClientError {
                switch error.code {
                case .ownedByLiveProcess(let owner):
                    throw RunRefused.working(run: runID, by: owner)
                case .notRunning:
                    // Another one took it over since this one looked, and has brought it to its end already.
                    throw RunRefused.changed(run: runID)
                default: throw error
                }
            }
        case .restart(let only):
            try await store.reopen(runID, only: only)
            try await begin(run, pass: run.pass + 1, only: only)
        }
    }

    /// Waits until the orchestrator has reported.
    public func outcome(of runID: RunID) async throws -> RunOutcome {
        try await client.result(of: OrchestratorWorkflow.self, id: runID.rawValue)
    }

    func begin(_ run: StoredRun, pass: Int, only: BucketReference?, queries: [QueryID]? = nil) async throws {
        let spec = try await runtime.spec(of: run)
        try await store.markRunning(run.runID, pass: pass)
        try await store.noteProcess(ProcessInfo.processInfo.processIdentifier, on: run.runID)
        let options = WorkflowOptions(
            historyLimit: HistoryLimit(maximumEvents: spec.historyLimit),
            memo: ["run": run.runID.rawValue, "spec": run.specFile, "pass": String(pass)]
        )
        let input = OrchestratorInput(
            runID: run.runID,
            only: only,
            queries: queries,
            givenRetries: spec.retries,
            pass: pass,
            hooks: spec.hooks.map(\.name)
        )
        do {
            _ = try await client.start(OrchestratorWorkflow.self, id: run.runID.rawValue, input, options: options)
        } catch let error as WorkflowClientError where error.code == .alreadyRunning {
            // Another process was faster, and its pass is the run's.
            try await store.markRunning(run.runID, pass: run.pass)
            throw RunRefused.changed(run: run.runID)
        }
    }

    func known(_ runID: RunID) async throws -> StoredRun {
        guard let run = try await store.run(runID) else { throw RunRefused.unknown(run: runID.rawValue) }
        return run
    }

    private func failedBucket(_ number: Int, query name: String?, of runID: RunID) async throws -> BucketReference {
        let queries = try await store.queries(of: runID)
        let names = queries.map(\.name)
        if name == nil, queries.count > 1 { throw RunRefused.ambiguousBucket(number, queries: names) }
        guard let query = queries.first(where: { name == nil || $0.name == name }) else {
            throw RunRefused.noSuchQuery(name ?? "", queries: names)
        }
        guard let bucket = try await store.bucket(number, of: query.queryID) else {
            throw RunRefused.noSuchBucket(number, query: query.name, of: runID, count: query.bucketCount ?? 0)
        }
        guard bucket.state == .failed else {
            throw RunRefused.bucketNotFailed(number, query: query.name, state: bucket.state, run: runID)
        }
        return BucketReference(queryID: query.queryID, number: number)
    }
}
