import Foundation
import SQLConnectors
public import Logging
public import PubSub
import Synchronization
public import Workflows

/// What a process holds open to work on runs: the run store, and a workspace (source, sinks, topics) for each run at work.
///
/// Make one, register its ``workflows`` and ``activities`` with an engine, and hand both to ``Backfill``.
public final class BackfillRuntime: Sendable {
    /// Makes a spec of a stored text; simulations keep what they have read once.
    package typealias SpecReading =
        @Sendable (_ text: String, _ file: String, _ environment: [String: String], _ frozenSQL: [String: String])
        throws
        -> BackfillSpec

    let store: RunStore
    let results: ResultFiles
    let environment: [String: String]
    let subscribers: [String: any Subscriber<RecordMessages>]
    let logger: Logger
    /// How this process shares its runs with others; nil when it works on them alone.
    let fleet: Fleet?
    /// Called around each commit of a sink; what it throws breaks the work off there. Only simulations set it.
    let faults: @Sendable (_ moment: String) throws -> Void
    private let readSpec: SpecReading
    let metrics = RunMetrics()
    private let workspaces = OncePerKey<RunID, RunWorkspace>()
    /// The query ids of runs at work, by the workflow ids' first two parts.
    private let queryIDs = Mutex<[String: QueryID]>([:])

    /// - Parameters:
    ///   - state: the state folder, opened for work; where the store is in a database, a folder of this machine for copies of results.
    ///   - environment: what `${VARIABLES}` in specs mean.
    ///   - subscribers: Swift subscribers that get every message of every run beside the spec's sinks, by subscription name.
    ///     They see each message at least once.
    ///   - fleet: how this process shares its runs with others; nil when it works on them alone.
    public convenience init(
        state: StateFolder,
        store: RunStore,
        environment: [String: String],
        subscribers: [String: any Subscriber<RecordMessages>] = [:],
        fleet: Fleet? = nil,
        logger: Logger
    ) {
        self.init(
            state: state,
            store: store,
            environment: environment,
            subscribers: subscribers,
            fleet: fleet,
            logger: logger,
            faults: { _ in }
        )
    }

    package init(
        state: StateFolder,
        store: RunStore,
        environment: [String: String],
        subscribers: [String: any Subscriber<RecordMessages>],
        fleet: Fleet? = nil,
        logger: Logger,
        faults: @escaping @Sendable (_ moment: String) throws -> Void,
        readSpec: @escaping SpecReading = BackfillSpec.parse
    ) {
        results = ResultFiles(state, store)
        self.store = store
        self.environment = environment
        self.subscribers = subscribers
        self.fleet = fleet
        self.logger = logger
        self.faults = faults
        self.readSpec = readSpec
    }

    /// The workflows an engine must know to run backfills.
    public static var workflows: [any Workflow.Type] { [OrchestratorWorkflow.self, ExecutorWorkflow.self] }

    /// The activities an engine must know to run backfills.
    public var activities: [any Activity] {
        [
            PrepareRun(runtime: self), RunQuery(runtime: self), StageTogether(runtime: self),
            PlanBuckets(runtime: self),
            ListOpenBuckets(runtime: self),
            PublishBatch(runtime: self), CloseBucket(runtime: self), CloseQuery(runtime: self),
            JudgeRun(runtime: self), RunHook(runtime: self), FinishRun(runtime: self),
            ApplyControl(runtime: self), AskWindow(runtime: self),
        ]
    }

    /// The spec of a stored run: its text as written, with this process's environment, and the SQL as it was when the run began.
    func spec(of run: StoredRun) async throws -> BackfillSpec {
        // No query has a name like a hook's: those hold a slash.
        var sql = try await store.hookSQL(of: run.runID)
        for query in try await store.queries(of: run.runID) { sql[query.name] = query.sql }
        return try readSpec(run.specText, run.specFile, environment, sql)
    }

    /// What an engine's log lines about a workflow carry: the run, and of an executor the query and the bucket. For the engine's options.
    public func logMetadata(ofWorkflow workflowID: String) -> Logger.Metadata {
        let parts = workflowID.split(separator: "/")
        var metadata: Logger.Metadata = [LogMetadata.run: "\(parts.first ?? "")"]
        guard parts.count == 3 else { return metadata }
        if let query = queryIDs.withLock({ $0["\(parts[0])/\(parts[1])"] }) { metadata[LogMetadata.query] = "\(query)" }
        metadata[LogMetadata.bucket] = "\(parts[2])"
        return metadata
    }

    /// Lets log lines about executors name their queries by id.
    func know(_ queries: [StoredQuery]) {
        queryIDs.withLock { known in
            for query in queries { known["\(query.runID)/\(query.name)"] = query.queryID }
        }
    }

    /// Logs for a run: each line names it.
    func logger(run: RunID) -> Logger {
        var logger = logger
        logger[metadataKey: LogMetadata.run] = "\(run)"
        return logger
    }

    /// Logs for the run that a query belongs to.
    func logger(query: QueryID) async throws -> Logger {
        guard let run = try await store.query(query)?.runID else { return logger }
        return logger(run: run)
    }

    /// Tells the log and the metrics of a failed attempt of a batch.
    func noteRetry(_ cursor: BucketCursor, _ context: ActivityContext, _ error: any Error) {
        metrics.retried()
        logger(run: cursor.runID).warning(
            "attempt \(context.info.attempt) of a batch of bucket \(cursor.bucket.number) failed: \(FailureText.line(of: error))",
            metadata: LogMetadata.step(context, cursor.bucket.queryID, bucket: cursor.bucket.number)
        )
    }

    /// Makes sure that a query's staged result, if there is one, is what it was.
    func verify(_ query: StoredQuery) async throws {
        if let staged = query.staged { try await results.verify(staged) }
    }

    /// The run's workspace, opened by the first who asks; a failed opening is tried again by the next.
    func workspace(of run: RunID) async throws -> RunWorkspace {
        if fleet != nil { try await letGoOfEarlierPass(of: run) }
        return try await workspaces.value(for: run) { try await RunWorkspace.open(run, runtime: self) }
    }

    /// Another process may have begun a new pass since, also with a mended spec: what this one has open is of the old pass.
    private func letGoOfEarlierPass(of run: RunID) async throws {
        guard let opening = workspaces[run], case .success(let workspace) = await opening.result,
            let stored = try await store.run(run), stored.pass != workspace.run.pass
        else { return }
        // Of several that find this out at the same time one closes it.
        if workspaces.take(run, if: opening) != nil { await workspace.close() }
    }

    /// Closes what is open for a run: drains its topics, closes its sinks.
    func close(_ run: RunID) async {
        // An opening that failed left nothing to close, and its error went to whoever asked for the workspace.
        if case .success(let workspace) = await workspaces.take(run)?.result { await workspace.close() }
    }

    /// Closes everything, when the process is about to leave.
    public func close() async {
        for run in workspaces.keys { await close(run) }
    }
}
