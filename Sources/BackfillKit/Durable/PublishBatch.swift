public import Workflows

/// Publishes the next records of a bucket and moves its checkpoint.
public struct PublishBatch: Activity {
    let runtime: BackfillRuntime

    /// Reads at the cursor, publishes, waits until every subscription has settled every message, then writes the checkpoint down.
    ///
    /// Safe to repeat: sinks trim what their ledgers have taken.
    ///
    /// - Returns: the cursor behind the batch.
    /// - Throws: what made a subscription unavailable, after its deliveries were used up; the attempt is counted and shown in `stats`.
    public func run(_ cursor: BucketCursor, in context: ActivityContext) async throws -> BucketCursor {
        let info = context.info
        do {
            let workspace = try await runtime.workspace(of: cursor.runID)
            return try await workspace.publishNext(cursor, executionID: info.executionID)
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            try await runtime.store.noteRetry(
                bucket: cursor.bucket.number,
                of: cursor.bucket.queryID,
                executionID: info.executionID,
                attempt: info.attempt,
                error: FailureText.line(of: error)
            )
            throw error
        }
    }
}
