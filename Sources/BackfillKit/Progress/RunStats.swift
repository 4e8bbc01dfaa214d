public import Workflows

/// Everything `stats` says of a run.
public struct RunStats: Encodable, Sendable {
    /// The run as a whole.
    public var run: RunProgress
    /// Whether somebody is at work on it.
    public var standing: RunStanding
    /// By query, in the spec's order.
    public var queries: [QueryProgress]
    /// By bucket.
    public var buckets: [BucketProgress]
    /// By execution: the chains of the executors.
    public var executors: [ExecutorProgress]
    /// What happened to the run as a whole, oldest first: the last twenty.
    public var events: [RunEvent]

    private static let eventsShown = 20

    /// Reads it; `client` tells whether the run's process is alive.
    public static func read(_ runID: RunID, store: RunStore, client: any WorkflowClient) async throws -> RunStats {
        let reader = ProgressReader(store)
        guard var run = try await reader.runs(runID).first else { throw RunRefused.unknown(run: runID.rawValue) }
        let standing = try await RunStanding.of(run, client: client)
        if case .working = standing {
        } else {
            // The samples of the last seconds say nothing about a run that nobody works on.
            run.rateNow = 0
            run.secondsLeft = nil
        }
        return RunStats(
            run: run,
            standing: standing,
            queries: try await reader.queries(of: runID),
            buckets: try await buckets(of: runID, reader, client),
            executors: try await reader.executors(of: runID),
            events: try await store.events(of: runID, limit: eventsShown)
        )
    }

    /// The buckets; those that wait for another attempt with its time, as far as a few dozen of them go.
    private static func buckets(of runID: RunID, _ reader: ProgressReader, _ client: any WorkflowClient) async throws
        -> [BucketProgress]
    {
        var buckets = try await reader.buckets(of: runID)
        let waiting = buckets.indices.filter { buckets[$0].waiting != nil }
        for index in waiting.prefix(32) {
            guard let execution = buckets[index].executionID else { continue }
            let next = try await client.attempts(of: execution).last?.nextAttemptAt
            buckets[index].nextAttemptAt = next?.millisecondsSince1970
        }
        return buckets
    }

    /// What `stats` will say of a run whose end is not written down yet.
    static func report(of runID: RunID, _ outcome: RunOutcome, store: RunStore) async throws -> RunStats {
        let reader = ProgressReader(store)
        guard var run = try await reader.runs(runID).first else { throw RunRefused.unknown(run: runID.rawValue) }
        run.state = outcome.state
        run.error = outcome.error
        run.rateNow = 0
        run.secondsLeft = nil
        return RunStats(
            run: run,
            standing: RunStanding(outcome.state),
            queries: try await reader.queries(of: runID),
            buckets: try await reader.buckets(of: runID),
            executors: try await reader.executors(of: runID),
            events: try await store.events(of: runID, limit: eventsShown)
        )
    }

    /// What to type next; nil when there is nothing to do.
    public var nextStep: String? {
        switch standing {
        case .complete: run.deadLetters > 0 ? "backfill dead-letters list \(run.runID)" : nil
        case .cancelled: nil
        case .working: run.pausedBy == nil ? nil : "backfill resume \(run.runID)"
        case .interrupted: "backfill resume \(run.runID)"
        case .incomplete: nextStepOfIncomplete
        }
    }

    private var nextStepOfIncomplete: String {
        let failed = buckets.filter { $0.state == .failed }
        let onlyBucketsFailed = queries.allSatisfy { $0.state == .complete || $0.bucketsFailed > 0 }
        if failed.count == 1, onlyBucketsFailed, let bucket = failed.first {
            let query = queries.count > 1 ? " --query \(bucket.query)" : ""
            return "backfill resume \(run.runID) --bucket \(bucket.bucket)\(query)"
        }
        if run.error?.contains(ErrorBooks.exceeded) == true { return "backfill dead-letters list \(run.runID)" }
        if failed.isEmpty, onlyBucketsFailed, run.error?.contains(RunVerdict.tooManyDeadLetters) == true,
            run.error?.contains("hook ") != true
        {
            return "backfill dead-letters list \(run.runID)"
        }
        return "backfill resume \(run.runID)"
    }

    private enum CodingKeys: String, CodingKey {
        case run, standing, processID, nextStep, queries, buckets, executors, events
    }

    /// The fields of the views, with the standing as a word and the command to type next.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(run, forKey: .run)
        try container.encode(standing.word, forKey: .standing)
        if case .working(let owner) = standing { try container.encodeIfPresent(owner.processID, forKey: .processID) }
        try container.encodeIfPresent(nextStep, forKey: .nextStep)
        try container.encode(queries, forKey: .queries)
        try container.encode(buckets, forKey: .buckets)
        try container.encode(executors, forKey: .executors)
        try container.encode(events, forKey: .events)
    }
}
