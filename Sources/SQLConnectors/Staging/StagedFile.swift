import Checksum
import Foundation
import GRDBSQLite

/// A staged result while it is written: aside, and under its own name only when it is whole and on the disk.
struct StagedFile {
    /// The name of the ordinal's column, which no query may use.
    static let ordinalColumn = "_ordinal"

    let query: SourceQuery
    let place: URL
    let control: StagingControl

    /// The file while it is written.
    var partial: URL { place.appendingPathExtension("partial") }

    /// Makes the file, lets `body` fill and close it, and gives it its name. Whatever goes wrong: nothing half-done stays behind.
    func write(_ body: () throws -> (schema: RecordSchema, recordCount: Int64)) throws -> StagedResult {
        try? FileManager.default.removeItem(at: partial)
        do {
            try makePrivateFile()
            let (schema, count) = try body()
            return try seal(schema: schema, recordCount: count)
        } catch {
            try? FileManager.default.removeItem(at: partial)
            throw control.isCancelled ? CancellationError() : error
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

    // MARK: Tables

    /// Makes the table of records in a database of the connection, such as `main`.
    func createRecords(_ schema: RecordSchema, in database: String, on connection: SQLiteConnection) throws {
        // Nothing reads the file before it is whole and synced, so a journal and syncs in between would protect nothing.
        try connection.execute(
            """
            PRAGMA \(database).journal_mode = OFF; PRAGMA \(database).synchronous = OFF;
            PRAGMA \(database).cache_size = -8000;
            """
        )
        // No types: a column without affinity keeps every value as the source gives it.
        let columns = schema.columns.map { ", \(quotedIdentifier($0.name))" }.joined()
        try connection.execute(
            "CREATE TABLE \(database).records (\(Self.ordinalColumn) INTEGER PRIMARY KEY\(columns))"
        )
    }

    /// - Throws: ``SourceError`` that names the first record without a key.
    func checkKeys(_ schema: RecordSchema, in database: String, on connection: SQLiteConnection) throws {
        let key = quotedIdentifier(schema.keyName)
        let missing = try connection.prepare(
            "SELECT \(Self.ordinalColumn) FROM \(database).records WHERE \(key) IS NULL ORDER BY 1 LIMIT 1"
        )
        if try missing.step() { throw missingKey(schema, record: missing.integer(0)) }
    }

    func missingKey(_ schema: RecordSchema, record: Int64) -> SourceError {
        SourceError(
            """
            \(query.origin): query \(query.name): the key column \(schema.keyName) is NULL in record \(record) \
            (counted in the query's order). Every record needs a key: leave such rows out in the SQL, or choose another key.
            """
        )
    }

    /// Writes down, for whoever looks into the file, what it holds.
    func describe(_ schema: RecordSchema, count: Int64, in database: String, on connection: SQLiteConnection) throws {
        try connection.execute("CREATE TABLE \(database).meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID")
        let insert = try connection.prepare("INSERT INTO \(database).meta VALUES (?1, ?2)")
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

    /// What a failure to write the file means to a person; nil when the file is not to blame.
    func failure(for failure: SQLiteFailure) -> StagingFailed? {
        let folder = partial.deletingLastPathComponent().path
        switch failure.primaryCode {
        case SQLITE_FULL:
            return StagingFailed(
                description:
                    "The disk is full: the result of query \(query.name) does not fit into \(folder), or a sort's temporary files into /var/tmp. Make room, or name another state folder with --state DIR (SQLITE_TMPDIR for a sort's files)."
            )
        case SQLITE_IOERR, SQLITE_READONLY:
            return StagingFailed(
                description:
                    "The result of query \(query.name) cannot be staged in \(folder): \(failure.message). Check the folder, its disk and its free space."
            )
        default: return nil
        }
    }

    /// Puts the partial file on the disk and gives it its name.
    private func seal(schema: RecordSchema, recordCount: Int64) throws -> StagedResult {
        let (checksum, size): (String, Int64)
        do {
            checksum = try Checksum.ofFile(at: partial) {
                // A sign of life: reading a huge file takes longer than whoever waits for one is patient.
                control.report(recordCount)
                return control.isCancelled
            }
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
}

/// The staged result cannot be written.
public struct StagingFailed: Error, CustomStringConvertible, Sendable {
    /// What is wrong, where, and what to do.
    public let description: String
}
