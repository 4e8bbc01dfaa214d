public import Foundation

/// Makes a staged result of records that are in memory.
public struct StagedRecords: Sendable {
    private let records: [RecordBatch]
    private let replacing: [Int: [Int: Value]]

    /// - Parameters:
    ///   - records: in their order; all have the same columns.
    ///   - replacing: values by record (from 0, counted over all batches) and column, instead of those that the records have.
    public init(_ records: [RecordBatch], replacing: [Int: [Int: Value]] = [:]) {
        self.records = records
        self.replacing = replacing
    }

    /// Writes the file.
    ///
    /// - Throws: ``StagingFailed``.
    public func write(_ schema: RecordSchema, as fileName: String, in folder: URL) async throws -> StagedResult {
        let query = SourceQuery(
            name: fileName,
            sql: "-- records read one by one",
            origin: fileName,
            key: schema.keyName
        )
        let control = StagingControl { _ in }
        let file = StagedFile(query: query, place: folder.appending(path: fileName), control: control)
        return try await control.run(query) {
            try file.write {
                do {
                    let connection = try SQLiteConnection(uri: SQLiteConnection.uri(file.partial.path, mode: "rw"))
                    try file.createRecords(schema, in: "main", on: connection)
                    try connection.execute("BEGIN")
                    let count = try fill(schema, on: connection)
                    try connection.execute("COMMIT")
                    try file.describe(schema, count: count, in: "main", on: connection)
                    return (schema, count)
                } catch let failure as SQLiteFailure {
                    throw file.failure(for: failure)
                        ?? StagingFailed(
                            description: "The records cannot be staged in \(file.partial.path): \(failure.message)."
                        )
                }
            }
        }
    }

    private func fill(_ schema: RecordSchema, on connection: SQLiteConnection) throws -> Int64 {
        let columns = schema.columns.map { quotedIdentifier($0.name) }.joined(separator: ", ")
        let marks = schema.columns.map { _ in "?" }.joined(separator: ", ")
        let insert = try connection.prepare("INSERT INTO records (\(columns)) VALUES (\(marks))")
        let width = schema.columns.count
        var count = 0
        for batch in records {
            for row in 0..<batch.count {
                let failure = batch.withCells { insert.insert($0[row * width..<(row + 1) * width], $1) }
                if let failure { throw failure }
                count += 1
                for (column, value) in replacing[count - 1] ?? [:] {
                    let update = try connection.prepare(
                        "UPDATE records SET \(quotedIdentifier(schema.columns[column].name)) = ?1 WHERE \(StagedFile.ordinalColumn) = ?2"
                    )
                    update.bind(value, at: 1)
                    update.bind(.integer(Int64(count)), at: 2)
                    try update.run()
                }
            }
        }
        return Int64(count)
    }
}
