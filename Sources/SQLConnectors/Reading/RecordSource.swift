public import Foundation

/// A database that records are read from. It is never written to.
public protocol RecordSource: Sendable {
    /// Checks a query without running it: one statement, only reading, its parameters, its columns and key.
    ///
    /// - Throws: ``SourceError`` naming query, place and what to do; ``SourceUnavailable`` when the source cannot be read just now.
    func check(_ query: SourceQuery) async throws -> RecordSchema

    /// Stages a query's rows as a SQLite file, in one snapshot of the source.
    ///
    /// The file is written aside (`.partial`) and renamed when it is whole and on the disk, so a crash leaves nothing half-done.
    ///
    /// - Parameters:
    ///   - folder: the folder of results; `fileName` is made in it.
    ///   - progress: told the number of records so far, several times a second at most; called on the thread that stages.
    /// - Throws: ``SourceError`` (also for a NULL key, with the first bad record), ``SourceUnavailable``, ``StagingFailed`` when the
    ///   result cannot be written, or `CancellationError`.
    func stage(
        _ query: SourceQuery,
        as fileName: String,
        in folder: URL,
        progress: @escaping @Sendable (_ records: Int64) -> Void
    ) async throws -> StagedResult
}

extension RecordSource {
    /// Stages without telling progress.
    public func stage(_ query: SourceQuery, as fileName: String, in folder: URL) async throws -> StagedResult {
        try await stage(query, as: fileName, in: folder, progress: { _ in })
    }
}
