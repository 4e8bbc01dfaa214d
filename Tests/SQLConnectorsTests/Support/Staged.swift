import Foundation
import TestSupport

@testable import SQLConnectors

extension ScratchFolder {
    /// Stages a query on a database of this folder as `result.sqlite`.
    func stage(
        _ sql: String,
        key: String = "id",
        parameters: [String: Value] = [:],
        from source: URL,
        progress: @escaping @Sendable (Int64) -> Void = { _ in }
    ) async throws -> StagedResult {
        try await SQLiteSource(source, busyTimeout: .zero).stage(
            SourceQuery(name: "q", sql: sql, origin: "q.sql", key: key, parameters: parameters),
            as: "result.sqlite",
            in: url,
            progress: progress
        )
    }

    func reader(of staged: StagedResult) throws -> StagedReader {
        try StagedReader(staged.location(in: url), schema: staged.schema)
    }
}

/// Rows 1…n as a SELECT without a table.
func numbers(_ count: Int, _ columns: String = "n AS id") -> String {
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < \(count)) SELECT \(columns) FROM c"
}

/// The text of the error that an action throws.
func message(of action: () async throws -> Void) async -> String {
    do {
        try await action()
        return "nothing was thrown"
    } catch {
        return "\(type(of: error)): \(error)"
    }
}

extension WriteOutcome {
    var isWritten: Bool {
        if case .written = self { true } else { false }
    }

    /// Position and error of a rejection.
    var rejection: (position: Int, error: RecordRejected)? {
        if case .rejected(let position, let error) = self { (position, error) } else { nil }
    }
}
