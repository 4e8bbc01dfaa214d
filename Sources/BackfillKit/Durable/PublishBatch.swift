import PubSub
public import Workflows

/// Publishes the next records of a bucket and moves its checkpoint; several batches, one after the other, where many processes share a
/// run and the way to their engine is long.
public struct PublishBatch: Activity {
    let runtime: BackfillRuntime

    /// Reads at the cursor, waits until the run's limits let the batch pass, publishes, waits until every subscription has settled every
    /// message, then writes the checkpoint down.
    ///
    /// Safe to repeat: sinks trim what their ledgers have taken.
    ///
    /// - Returns: the cursor behind the batch, or the same one with the reason why nothing could be published.
    /// - Throws: what made a subscription unavailable, after its deliveries were used up; the attempt is counted and shown in `stats`.
    public func run(_ cursor: BucketCursor, in context: ActivityContext) async throws -> BucketCursor {
        let info = context.info
        var reached = cursor
        do {
            reached = try Self.furthest(cursor, context)
            let workspace = try await runtime.workspace(of: cursor.runID)
            if runtime.fleet != nil { try await workspace.renewReader(of: cursor.bucket) }
            for batch in 0..<(runtime.fleet?.batchesPerActivity ?? 1) {
                if batch > 0 { try context.heartbeat(reached) }
                reached = try await workspace.publishNext(reached, context: context)
                if reached.isDone || reached.turnedAway != nil { break }
            }
            return reached
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            let error = Self.described(error)
            if error is BudgetExhausted { return reached.turnedAway(.stopped) }
            try await runtime.store.noteRetry(
                bucket: cursor.bucket.number,
                of: cursor.bucket.queryID,
                executionID: info.executionID,
                attempt: info.attempt,
                error: FailureText.line(of: error)
            )
            runtime.noteRetry(reached, context, error)
            throw PermanentFailure.marking(error)
        }
    }

    /// An attempt that came to its end on the way has left how far it was.
    private static func furthest(_ cursor: BucketCursor, _ context: ActivityContext) throws -> BucketCursor {
        guard let left = try context.heartbeatDetails(as: BucketCursor.self), let next = left.nextOrdinal,
            next > cursor.nextOrdinal ?? 0
        else { return cursor }
        return left
    }

    /// Retry rules name the kind of failure that the subscription met, not that of the topic around it.
    private static func described(_ error: any Error) -> any Error {
        guard let failure = error as? PublishFailure else { return error }
        switch failure.cause {
        case let unavailable as SinkUnavailable: return unavailable.cause
        case let cause: return cause
        }
    }
}

extension BucketCursor {
    func turnedAway(_ why: TurnedAway) -> BucketCursor {
        var cursor = self
        cursor.turnedAway = why
        return cursor
    }
}
