public import Foundation
import GRDBSQLite

extension SQLiteSource {
    /// Stages a query's rows at SQLite's own speed (one `INSERT … SELECT`).
    public func stage(
        _ query: SourceQuery,
        as fileName: String,
        in folder: URL,
        progress: @escaping @Sendable (_ records: Int64) -> Void
    ) async throws -> StagedResult {
        let control = StagingControl(progress: progress)
        let file = StagedFile(query: query, place: folder.appending(path: fileName), control: control)
        let source = self
        return try await control.run(query) { try Staging(source: source, file: file).run() }
    }
}

/// One staging, on one thread.
private struct Staging {
    let source: SQLiteSource
    let file: StagedFile

    private var query: SourceQuery { file.query }
    private var control: StagingControl { file.control }

    /// The staged file's name as an attached database: uncommon, so that no table of the source is hidden by it.
    private static let attached = "_backfill_staged"

    func run() throws -> StagedResult {
        try file.write {
            let connection = try source.open()
            let schema = try QueryReading.prepare(query, on: connection).1
            do {
                try attach(to: connection)
                try file.createRecords(schema, in: Self.attached, on: connection)
                let count = try whileWatching(connection) {
                    let count = try copy(on: connection, schema: schema)
                    try file.checkKeys(schema, in: Self.attached, on: connection)
                    try file.describe(schema, count: count, in: Self.attached, on: connection)
                    return count
                }
                try connection.execute("DETACH \(Self.attached)")
                return (schema, count)
            } catch let failure as SQLiteFailure {
                throw error(for: failure)
            }
        }
    }

    private func attach(to connection: SQLiteConnection) throws {
        let attach = try connection.prepare("ATTACH ?1 AS \(Self.attached)")
        attach.bind(.text(SQLiteConnection.uri(file.partial.path, mode: "rw")), at: 1)
        try attach.run()
    }

    private func copy(on connection: SQLiteConnection, schema: RecordSchema) throws -> Int64 {
        let columns = schema.columns.map { quotedIdentifier($0.name) }.joined(separator: ", ")
        // A semicolon or comment behind the user's statement ends this one too; `check` made sure that nothing else follows.
        let insert = try connection.prepare("INSERT INTO \(Self.attached).records (\(columns)) \(query.sql)")
        for index in 0..<sqlite3_bind_parameter_count(insert.handle) {
            let name =
                sqlite3_bind_parameter_name(insert.handle, index + 1).map { String(String(cString: $0).dropFirst()) }
                ?? ""
            insert.bind(query.parameters[name] ?? .null, at: index + 1)
        }
        try insert.run()
        let count = try connection.prepare(
            "SELECT coalesce(max(\(StagedFile.ordinalColumn)), 0) FROM \(Self.attached).records"
        )
        _ = try count.step()
        return count.integer(0)
    }

    /// Reports progress and heeds a cancellation while `body` runs SQL on the connection.
    private func whileWatching<Result>(_ connection: SQLiteConnection, _ body: () throws -> Result) rethrows -> Result {
        // The context lives on this stack frame, longer than the handler, which is taken off before the frame is left.
        var context = ProgressContext(control: control, connection: connection.handle)
        return try withUnsafeMutablePointer(to: &context) { context in
            // SQLite does about fifty million steps of its machine in a second, so this asks some hundred times in one.
            sqlite3_progress_handler(
                connection.handle,
                200_000,
                { pointer in
                    guard let context = pointer?.assumingMemoryBound(to: ProgressContext.self).pointee else { return 0 }
                    context.control.report(Int64(sqlite3_last_insert_rowid(context.connection)))
                    return context.control.isCancelled ? 1 : 0
                },
                context
            )
            defer { sqlite3_progress_handler(connection.handle, 0, nil, nil) }
            return try body()
        }
    }

    private struct ProgressContext {
        let control: StagingControl
        let connection: OpaquePointer
    }

    private func error(for failure: SQLiteFailure) -> any Error {
        if let failure = file.failure(for: failure) { return failure }
        switch failure.primaryCode {
        case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_CANTOPEN:
            return source.sourceError(failure)
        default: return SourceError("\(query.origin): query \(query.name): \(failure.message).")
        }
    }
}
