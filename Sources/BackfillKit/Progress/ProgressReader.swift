import Foundation
import GRDB

/// Answers "how far is it" from the state folder, from any process, while the run goes and after.
///
/// It runs the statements of `queries/`, so anyone gets the same figures with `sqlite3`.
public struct ProgressReader: Sendable {
    private let database: RunDatabase
    private let now: @Sendable () -> Date

    /// Reads through an open store.
    public init(_ store: RunStore) {
        database = store.database
        now = store.now
    }

    /// Progress of one run, or of all runs, newest first.
    public func runs(_ run: RunID? = nil) async throws -> [RunProgress] {
        try await rows(PackageResources.progress_sql, run: run, extra: ["now": now().millisecondsSince1970])
    }

    /// Progress by query, in the spec's order.
    public func queries(of run: RunID) async throws -> [QueryProgress] {
        try await rows(PackageResources.progress_by_query_sql, run: run)
    }

    /// Progress by bucket.
    public func buckets(of run: RunID) async throws -> [BucketProgress] {
        try await rows(PackageResources.progress_by_bucket_sql, run: run)
    }

    /// Progress by execution: the chains of the executors.
    public func executors(of run: RunID) async throws -> [ExecutorProgress] {
        try await rows(PackageResources.progress_by_executor_sql, run: run)
    }

    private func rows<Row: StoredRow>(
        _ statement: [UInt8],
        run: RunID?,
        extra: StoreArguments = [:]
    ) async throws -> [Row] {
        let sql = String(decoding: statement, as: UTF8.self)
        // No run is bound as NULL, which stands for all.
        let bound = extra.adding(["run": run])
        return try await database.read { db in try Row.fetchAll(db, sql: sql, arguments: bound) }
    }
}
