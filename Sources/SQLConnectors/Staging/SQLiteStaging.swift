public import Foundation
import GRDBSQLite
import Synchronization

extension SQLiteSource {
    /// Stages a query's rows as a SQLite file, in one snapshot and at SQLite's own speed (one `INSERT … SELECT`).
    ///
    /// The file is written aside (`.partial`) and renamed when it is whole and on the disk, so a crash leaves nothing half-done.
    ///
    /// - Parameters:
    ///   - folder: the folder of results; `fileName` is made in it.
    ///   - progress: told the number of records so far, several times a second at most; called on the thread that stages.
    /// - Throws: ``SourceError`` (also for a NULL key, with the first bad record), ``SourceUnavailable``, ``StagingFailed`` when the
    ///   result cannot be written, or `CancellationError`.
    public func stage(
        _ query: SourceQuery,
        as fileName: String,
        in folder: URL,
        progress: @escaping @Sendable (_ records: Int64) -> Void = { _ in }
    ) async throws -> StagedResult {
        let control = StagingControl(progress: progress)
        let (source, place) = (self, folder.appending(path: fileName))
        return try await withTaskCancellationHandler {
            try await SerialWorker(label: "stage \(query.name)", ()).run { _ in
                try Staging(source: source, query: query, place: place, control: control).run()
            }
        } onCancel: {
            control.cancel()
        }
    }
}

/// The staged result cannot be written.
public struct StagingFailed: Error, CustomStringConvertible, Sendable {
    /// What is wrong, where, and what to do.
    public let description: String
}

/// Carries cancellation into SQLite's progress handler and counts out of it.
private final class StagingControl: Sendable {
    private let isCancelledFlag = Atomic<Bool>(false)
    private let lastReport = Mutex(ContinuousClock.now)
    private let progress: @Sendable (Int64) -> Void

    init(progress: @escaping @Sendable (Int64) -> Void) { self.progress = progress }

    var isCancelled: Bool { isCancelledFlag.load(ordering: .relaxed) }
    func cancel() { isCancelledFlag.store(true, ordering: .relaxed) }

    /// Reports at most four times a second.
    func report(_ records: @autoclosure () -> Int64) {
        let due = lastReport.withLock { last in
            let now = ContinuousClock.now
            guard now - last >= .milliseconds(250) else { return false }
            last = now
            return true
        }
        if due { progress(records()) }
    }
}

/// One staging, on one thread.
private struct Staging {
    let source: SQLiteSource
    let query: SourceQuery
    let place: URL
    let control: StagingControl

    /// The staged file's name as an attached database: uncommon, so that no table of the source is hidden by it.
    private static let attached = "_backfill_staged"

    private var partial: URL { place.appendingPathExtension("partial") }

    func run() throws -> StagedResult {
        try? FileManager.default.removeItem(at: partial)
        do {
            let (schema, count) = try write()
            let result = try seal(schema: schema, recordCount: count)
            return result
        } catch {
            // Whatever happened: nothing half-done stays behind.
            try? FileManager.default.removeItem(at: partial)
            throw control.isCancelled ? CancellationError() : error
        }
    }

    /// Writes the partial file; closed again when this returns.
    private func write() throws -> (RecordSchema, Int64) {
        let connection = try source.open()
        try makePrivateFile()
        let schema = try QueryReading.prepare(query, on: connection).1
        do {
            try attach(to: connection, schema: schema)
            let count = try whileWatching(connection) {
                let count = try copy(on: connection, schema: schema)
                try checkKeys(on: connection, schema: schema)
                try describe(on: connection, schema: schema, count: count)
                return count
            }
            try connection.execute("DETACH \(Self.attached)")
            return (schema, count)
        } catch let failure as SQLiteFailure {
            throw error(for: failure)
        }
    }

    private func makePrivateFile() throws {
        let descriptor = open(partial.path, O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StagingFailed(
                description:
                    "The staged result \(partial.path) cannot be made: \(String(cString: strerror(errno))). Check the state folder."
            )
        }
        close(descriptor)
    }

    private func attach(to connection: SQLiteConnection, schema: RecordSchema) throws {
        let attach = try connection.prepare("ATTACH ?1 AS \(Self.attached)")
        attach.bind(.text(SQLiteConnection.uri(partial.path, mode: "rw")), at: 1)
        try attach.run()
        // Nothing reads the file before it is whole and synced, so a journal and syncs in between would protect nothing.
        try connection.execute(
            """
            PRAGMA \(Self.attached).journal_mode = OFF; PRAGMA \(Self.attached).synchronous = OFF;
            PRAGMA \(Self.attached).cache_size = -8000;
            """
        )
        // No types: a column without affinity keeps every value as the source gives it.
        let columns = schema.columns.map { ", \(quotedIdentifier($0.name))" }.joined()
        try connection.execute(
            "CREATE TABLE \(Self.attached).records (\(QueryReading.ordinalColumn) INTEGER PRIMARY KEY\(columns))"
        )
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
            "SELECT coalesce(max(\(QueryReading.ordinalColumn)), 0) FROM \(Self.attached).records"
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

    private func checkKeys(on connection: SQLiteConnection, schema: RecordSchema) throws {
        let key = quotedIdentifier(schema.keyName)
        let missing = try connection.prepare(
            "SELECT \(QueryReading.ordinalColumn) FROM \(Self.attached).records WHERE \(key) IS NULL ORDER BY 1 LIMIT 1"
        )
        guard try missing.step() else { return }
        throw SourceError(
            """
            \(query.origin): query \(query.name): the key column \(schema.keyName) is NULL in record \(missing.integer(0)) \
            (counted in the query's order). Every record needs a key: leave such rows out in the SQL, or choose another key.
            """
        )
    }

    private func describe(on connection: SQLiteConnection, schema: RecordSchema, count: Int64) throws {
        try connection.execute("CREATE TABLE \(Self.attached).meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID")
        let insert = try connection.prepare("INSERT INTO \(Self.attached).meta VALUES (?1, ?2)")
        let entries: [(String, Value)] = [
            ("query", .text(query.name)), ("key", .text(schema.keyName)), ("records", .integer(count)),
            ("sql", .text(query.sql)),
        ]
        for (name, value) in entries {
            insert.bind(.text(name), at: 1)
            insert.bind(value, at: 2)
            try insert.run()
        }
    }

    /// Puts the partial file on the disk and gives it its name.
    private func seal(schema: RecordSchema, recordCount: Int64) throws -> StagedResult {
        let (checksum, size): (String, Int64)
        do {
            checksum = try Checksum.ofFile(at: partial, isCancelled: { control.isCancelled })
            size = try FileManager.default.attributesOfItem(atPath: partial.path)[.size] as? Int64 ?? 0
            try DurableFile.sync(partial)
            try DurableFile.rename(partial, to: place)
        } catch {
            throw StagingFailed(
                description:
                    "The staged result \(place.path) cannot be written: \(error). Check the state folder and its free space."
            )
        }
        return StagedResult(
            fileName: place.lastPathComponent,
            recordCount: recordCount,
            byteCount: nil,
            fileSize: size,
            checksum: checksum,
            schema: schema
        )
    }

    private func error(for failure: SQLiteFailure) -> any Error {
        switch failure.primaryCode {
        case SQLITE_FULL:
            StagingFailed(
                description:
                    "The disk is full: the result of query \(query.name) does not fit into \(partial.deletingLastPathComponent().path), or a sort's temporary files into /var/tmp. Make room, or name another state folder with --state DIR (SQLITE_TMPDIR for a sort's files)."
            )
        case SQLITE_IOERR, SQLITE_READONLY:
            StagingFailed(
                description:
                    "The result of query \(query.name) cannot be staged in \(partial.deletingLastPathComponent().path): \(failure.message). Check the folder, its disk and its free space."
            )
        case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_CANTOPEN: source.sourceError(failure)
        default: SourceError("\(query.origin): query \(query.name): \(failure.message).")
        }
    }
}
