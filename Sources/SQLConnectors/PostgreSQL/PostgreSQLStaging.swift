import Foundation
import GRDBSQLite

/// One staging from PostgreSQL, on one thread: rows come over COPY and go into the staged file one by one.
struct PostgreSQLStaging {
    let source: PostgreSQLSource
    let file: StagedFile
    let snapshot: String?

    func run() throws -> StagedResult {
        try file.write {
            let connection = try source.open(snapshot: snapshot)
            let reading = try PostgreSQLReading(file.query, source: source, on: connection)
            let canceller = connection.canceller
            try file.control.onCancel { DispatchQueue.global().async { canceller.cancel() } }
            do {
                let staged = try SQLiteConnection(uri: SQLiteConnection.uri(file.partial.path, mode: "rw"))
                try file.createRecords(reading.schema, in: "main", on: staged)
                try staged.execute("BEGIN")
                let count = try copy(reading, from: connection, to: staged)
                try staged.execute("COMMIT")
                try file.describe(reading.schema, count: count, in: "main", on: staged)
                return (reading.schema, count)
            } catch let failure as PostgreSQLFailure {
                throw error(for: failure)
            } catch let failure as SQLiteFailure {
                throw file.failure(for: failure)
                    ?? StagingFailed(
                        description:
                            "The result of query \(file.query.name) cannot be staged in \(file.partial.path): \(failure.message)."
                    )
            }
        }
    }

    private func copy(
        _ reading: PostgreSQLReading,
        from connection: PostgreSQLConnection,
        to staged: SQLiteConnection
    ) throws -> Int64 {
        let columns = reading.schema.columns.map { quotedIdentifier($0.name) }.joined(separator: ", ")
        let marks = reading.schema.columns.map { _ in "?" }.joined(separator: ", ")
        let insert = try staged.prepare("INSERT INTO main.records (\(columns)) VALUES (\(marks))")
        var rows = BinaryCopyRows(types: reading.wireTypes, keyIndex: reading.schema.keyIndex)
        var count: Int64 = 0
        func take(_ message: UnsafeRawBufferPointer) throws -> Bool {
            guard try rows.bind(message, to: insert) else { return false }
            defer { insert.reset() }
            guard sqlite3_step(insert.handle) == SQLITE_DONE else { throw staged.failure() }
            return true
        }
        func tellProgress() throws {
            if file.control.isCancelled { throw CancellationError() }
            file.control.report(count)
        }
        try connection.beginCopyOut(try reading.copyStatement(on: connection), whileWaiting: tellProgress)
        while let isRow = try connection.nextCopyData(whileWaiting: tellProgress, take) {
            guard isRow else { continue }
            count += 1
            if rows.isKeyMissing { throw file.missingKey(reading.schema, record: count) }
            if count & 1023 == 0 { try tellProgress() }
        }
        return count
    }

    private func error(for failure: PostgreSQLFailure) -> any Error {
        guard failure.meaning == .record || failure.meaning == .refused else { return source.sourceError(failure) }
        return SourceError("\(file.query.origin): query \(file.query.name): \(failure.text).")
    }
}
