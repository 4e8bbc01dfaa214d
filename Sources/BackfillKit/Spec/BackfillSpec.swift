/// A spec that was read, checked and completed with defaults: what a backfill takes from where, and where it goes.
///
/// The keys of the YAML file are named beside each property. Relative paths are relative to the spec file. `${VARIABLE}` in any value is
/// replaced with that environment variable's value, `$${` stands for `${` itself; SQL text is the exception (see ``SQLText``).
/// Keep secrets in variables, and those in connection strings and parameters: only there they are hidden wherever the spec is shown.
public struct BackfillSpec: Hashable, Sendable {
    /// The absolute path of the spec file.
    public var file: String
    /// The spec as written, with `${VARIABLES}` unresolved: what may be stored.
    public var sourceText: String
    /// `name`, required: letters, digits, `-` and `_`, at most 64. A run id is `<name>-<sortable suffix>`.
    public var name: String
    /// `source`, required: the database the queries read.
    public var source: ConnectionString
    /// `queries`, required, one at least: in the spec's order, with names that differ.
    public var queries: [QuerySpec]
    /// `consistent`: whether all queries see the same instant of the source; false unless given. Only PostgreSQL sources can.
    public var isConsistent: Bool
    /// `engine`: where the run's workflows run, `embedded` or `temporal://HOST:PORT/NAMESPACE`; nil leaves it to the command.
    public var engine: String?
    /// `stage`: where the records are kept between the source and the sinks; `file` unless given.
    public var stage: Stage
    /// `lanes`: limits that queries share. Every lane that a query names is listed.
    public var lanes: [String: LaneSpec]
    /// `pace`: how fast the whole run may publish; no limit unless given.
    public var pace: Pace
    /// `probes`: asked while the run publishes; while one says no, nothing is published.
    public var probes: [ProbeSpec]
    /// `window`: the times of day at which records are staged and published; always when there are none.
    public var windows: [TimeWindow]
    /// `buckets`: how results are cut; 8 by records unless given.
    public var buckets: BucketSizing
    /// `batch`: what one publish may hold; 1,000 records and 4 MiB unless given.
    public var batch: BatchBounds
    /// `executors`: at most so many buckets are worked on at once, 1…500; 8 unless given.
    public var executors: Int
    /// `history-limit`: events after which an execution fails, 100…1,000,000; 25,000 unless given. Executors hand over well before it.
    public var historyLimit: Int
    /// `tolerate`: how many dead letters a complete run may have; none unless given.
    public var tolerate: Tolerance
    /// `error-budget`: a run that gets more dead letters stops, and can be carried on. Unless given, 1 % of the records but at least 100,
    /// and what `tolerate` says where that is more.
    public var errorBudget: Tolerance?
    /// `retry`: how often and when a failed publish is tried again.
    public var retry: RetrySpec
    /// `retry: {stage, hooks, …}`: the same for other steps.
    public var stepRetries: [RetryStep: RetrySpec]
    /// `before`, `after`, `on-success`, `on-failure`: steps around the records, in the order in which they run.
    public var hooks: [HookSpec]
    /// `sinks`, required, possibly `[]` for a program that brings its own subscribers. Every sink gets every message.
    public var sinks: [SinkSpec]

    /// The bounds that numbers of a spec are held to.
    enum Bounds {
        static let nameLength = 64
        static let laneLimit = 1...1_000
        static let bucketCount = 1...BucketPlan.maximumCount
        static let batchRecords = 1...1_000_000
        /// Above a gigabyte a few executors alone would exhaust the memory of most machines.
        static let batchBytes = 1...1_073_741_824
        /// An orchestrator keeps at most a few hundred children open.
        static let executors = 1...500
        /// Below a hundred events hardly one batch fits between an executor's start and its hand-over.
        static let historyLimit = 100...1_000_000
        static let httpConcurrency = 1...1_000
        /// Half an hour is what one batch may take, with all that is tried again.
        static let httpTimeout = Duration.milliseconds(100)...Duration.seconds(600)
        static let attempts = 1...1_000_000
        static let backoffCoefficient = 1.0...100.0
        static let jitter = 0.0...1.0
        static let activeConnections = 0...1_000_000
    }
}
