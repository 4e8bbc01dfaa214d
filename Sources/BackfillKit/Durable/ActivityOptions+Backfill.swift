import Workflows

/// Time limits and retries of the activities of a backfill. Only publishing is set by the spec: it is the step that others disturb.
extension ActivityOptions {
    /// Checks and prepares sources and sinks.
    static let prepareRun = ActivityOptions(startToClose: .seconds(600), retryPolicy: outlasting)

    /// Staging may take hours; the heartbeat, sent at least every few seconds, tells that it is alive.
    static let runQuery = ActivityOptions(
        startToClose: .seconds(48 * 3600),
        heartbeatTimeout: .seconds(120),
        retryPolicy: outlasting
    )

    /// By bytes it reads the staged result twice.
    static let planBuckets = ActivityOptions(
        startToClose: .seconds(6 * 3600),
        retryPolicy: RetryPolicy(maximumAttempts: 3, nonRetryableErrorTypes: permanent)
    )

    /// A script may take as long as it takes to refresh a view; it is tried again over about two and a half minutes.
    static let runHook = ActivityOptions(startToClose: .seconds(24 * 3600), retryPolicy: outlasting)

    /// Small reads and writes of the run store.
    static let bookkeeping = ActivityOptions(startToClose: .seconds(120), retryPolicy: RetryPolicy(maximumAttempts: 10))

    /// One batch; the topic's own deadlines end a stuck delivery long before this does.
    static func publishBatch(retryPolicy: RetryPolicy) -> ActivityOptions {
        ActivityOptions(startToClose: .seconds(1800), retryPolicy: retryPolicy)
    }

    /// Ten attempts over about two and a half minutes: a source that is locked or a server that restarts is outlasted.
    private static let outlasting = RetryPolicy(
        maximumInterval: .seconds(30),
        maximumAttempts: 10,
        nonRetryableErrorTypes: permanent
    )

    /// Errors that no retry mends.
    private static let permanent = [
        "SpecError", "SourceError", "SinkError", "PlanError", "StateError", "ScriptError", "ReportRefused",
    ]
}
