public import Workflows

/// How the steps of a run are retried: what the spec's `retry` says, or the defaults.
public struct StepRetries: Codable, Sendable {
    /// Checks and prepares sources and sinks.
    public var prepare: RetryPolicy
    /// Stages a query.
    public var stage: RetryPolicy
    /// Cuts a result into buckets.
    public var plan: RetryPolicy
    /// Publishes a batch.
    public var publish: RetryPolicy
    /// Runs a hook.
    public var hooks: RetryPolicy
}

/// Time limits of the activities of a backfill.
extension ActivityOptions {
    /// Checks and prepares sources and sinks.
    static func prepareRun(_ retries: StepRetries) -> ActivityOptions {
        ActivityOptions(startToClose: .seconds(600), retryPolicy: retries.prepare)
    }

    /// Staging may take hours; the heartbeat, sent at least every few seconds, tells that it is alive.
    static func runQuery(_ retries: StepRetries) -> ActivityOptions {
        ActivityOptions(
            startToClose: .seconds(48 * 3600),
            heartbeatTimeout: .seconds(120),
            retryPolicy: retries.stage
        )
    }

    /// By bytes it reads the staged result twice.
    static func planBuckets(_ retries: StepRetries) -> ActivityOptions {
        ActivityOptions(startToClose: .seconds(6 * 3600), retryPolicy: retries.plan)
    }

    /// A script may take as long as it takes to refresh a view.
    static func runHook(_ retries: StepRetries) -> ActivityOptions {
        ActivityOptions(startToClose: .seconds(24 * 3600), retryPolicy: retries.hooks)
    }

    /// Small reads and writes of the run store.
    static let bookkeeping = ActivityOptions(startToClose: .seconds(120), retryPolicy: RetryPolicy(maximumAttempts: 10))

    /// One batch. It may wait for the run's limits for hours, and says that it lives while it does; the topic's own deadlines end a stuck
    /// delivery long before the heartbeat's does.
    static func publishBatch(retryPolicy: RetryPolicy) -> ActivityOptions {
        ActivityOptions(startToClose: .seconds(24 * 3600), heartbeatTimeout: .seconds(1800), retryPolicy: retryPolicy)
    }
}
