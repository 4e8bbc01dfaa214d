import Logging
public import Workflows

/// Cuts a staged result into buckets and freezes the plan.
public struct PlanBuckets: Activity {
    let runtime: BackfillRuntime

    /// Safe to repeat: a plan is made once.
    ///
    /// - Returns: how many buckets there are.
    public func run(_ queryID: QueryID, in context: ActivityContext) async throws -> Int {
        guard let query = try await runtime.store.query(queryID) else { throw PlanLost(queryID: queryID, bucket: 0) }
        // Of a query that is read directly the plan was frozen when it was cut.
        if query.direct != nil, let count = query.bucketCount { return count }
        guard let staged = query.staged else { throw PlanLost(queryID: queryID, bucket: 0) }
        let workspace = try await runtime.workspace(of: query.runID)
        let plan = try await workspace.plan(staged)
        let count = try await runtime.store.freeze(plan, for: queryID)
        runtime.logger(run: query.runID).info(
            "planned \(query.name): \(count) buckets",
            metadata: LogMetadata.step(context, queryID)
        )
        return count
    }
}

/// The next buckets that need an executor, a page at a time.
public struct ListOpenBuckets: Activity {
    let runtime: BackfillRuntime

    /// Numbers per page: a page stays far below the payload limit.
    static let pageSize = 500

    /// After which bucket of which query to go on.
    public struct Input: Codable, Sendable {
        /// The query.
        public var queryID: QueryID
        /// Numbers above this one.
        public var after: Int
    }

    /// Reads the run store; empty at the end.
    public func run(_ input: Input, in context: ActivityContext) async throws -> [Int] {
        try await runtime.store.openBuckets(of: input.queryID, after: input.after, limit: Self.pageSize)
    }
}

/// Writes down that the executor of a bucket gave up.
public struct CloseBucket: Activity {
    let runtime: BackfillRuntime

    /// The bucket and why.
    public struct Input: Codable, Sendable {
        /// The bucket.
        public var bucket: BucketReference
        /// One line.
        public var error: String
    }

    /// Safe to repeat.
    public func run(_ input: Input, in context: ActivityContext) async throws -> Bool {
        let (number, queryID) = (input.bucket.number, input.bucket.queryID)
        try await runtime.store.markFailed(bucket: number, of: queryID, error: input.error)
        try await runtime.logger(query: queryID).warning(
            "bucket failed: \(input.error)",
            metadata: LogMetadata.step(context, queryID, bucket: number)
        )
        return true
    }
}

/// Writes down how a query ended.
public struct CloseQuery: Activity {
    let runtime: BackfillRuntime

    /// The query, and why it failed if it did before its buckets were reached.
    public struct Input: Codable, Sendable {
        /// The query.
        public var queryID: QueryID
        /// One line; nil when only its buckets decide.
        public var error: String?
    }

    /// Safe to repeat.
    public func run(_ input: Input, in context: ActivityContext) async throws -> Bool {
        let logger = try await runtime.logger(query: input.queryID)
        if let error = input.error {
            try await runtime.store.markFailed(input.queryID, error: error)
            logger.warning("query failed: \(error)", metadata: LogMetadata.step(context, input.queryID))
        } else {
            try await runtime.store.closeQuery(input.queryID)
            logger.info("query worked through", metadata: LogMetadata.step(context, input.queryID))
        }
        return true
    }
}
