public import Workflows

/// Works through one bucket, batch by batch; a chain of executions when the history limit comes near.
///
/// Each batch costs four events (WorkflowTaskCompleted, ActivityTaskScheduled, ActivityTaskStarted, ActivityTaskCompleted); the
/// result of the last one is the checkpoint.
public struct ExecutorWorkflow: Workflow {
    /// Made by the engine.
    public init() {}

    /// Publishes until the bucket is done, or until it is turned away because the run is being stopped or its time window has shut.
    ///
    /// - Throws: the failure of the batch that could not be published after all retries, which fails the bucket.
    public func run(_ input: ExecutorInput, in context: WorkflowContext) async throws -> BucketCursor {
        var input = input
        let reached = Latest(input.cursor)
        context.onQuery(ExecutorSnapshot.query) { _ in ExecutorSnapshot(reached.value) }
        let options = ActivityOptions.publishBatch(retryPolicy: input.retryPolicy)
        while !input.cursor.isDone {
            input.cursor = try await context.execute(PublishBatch.self, input.cursor, options: options)
            let cursor = input.cursor
            reached.change { $0 = cursor }
            if let why = input.cursor.turnedAway, why != .later { break }
            if !input.cursor.isDone, context.shouldContinueAsNew { throw ContinueAsNew(input) }
        }
        return input.cursor
    }
}
