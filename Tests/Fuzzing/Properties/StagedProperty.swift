import Foundation

@testable import SQLConnectors

extension Property {
    /// A staged file that is not what it was is found and named; reading it all the same is an error or records, never a crash.
    static let staged = Property(name: "staged") { input in
        let sample = try await StagedSample.shared.value
        var draw = Draw(input)
        let content = Damage.done(to: sample.content, by: &draw)
        try await withFolder { folder in
            let file = sample.result.location(in: folder)
            try Data(content).write(to: file)
            let damage = await failure { try await sample.result.verify(in: folder) }
            try require(
                (damage == nil) == (content == sample.content),
                "verified: \(damage.map { "\($0)" } ?? "whole")"
            )
            try checkNamed(damage, file)
            let found = await failure {
                let reader = try StagedReader(file, schema: sample.result.schema)
                try checkNamed(await failure { try await readAll(of: sample.result, with: reader) }, file)
                try checkNamed(await failure { for try await sizes in reader.sizes() where sizes.count < 0 {} }, file)
                try checkNamed(await failure { _ = try await reader.firstDuplicateKey() }, file)
                try checkNamed(await failure { _ = try await reader.find(key: "7") }, file)
            }
            try checkNamed(found, file)
        }
    }

    private static func readAll(of result: StagedResult, with reader: StagedReader) async throws {
        var position: Int64 = 1
        while position <= result.recordCount {
            let limit = BatchLimit(records: 7, bytes: 300)
            let batch = try await reader.read(from: position, to: result.recordCount + 1, limit: limit)
            try require(batch.firstOrdinal == position && batch.count > 0, "\(batch.count) records at \(position)")
            for row in 0..<batch.count {
                _ = batch.key(at: row)
                for column in batch.schema.columns.indices { _ = batch[row, column] }
            }
            position = batch.endOrdinal
        }
    }

    private static func failure(_ body: () async throws -> Void) async -> (any Error)? {
        do {
            try await body()
            return nil
        } catch {
            return error
        }
    }

    private static func checkNamed(_ error: (any Error)?, _ file: URL) throws {
        guard let error else { return }
        guard let damage = error as? StagedResultDamaged else { throw error }
        try require(damage.description.contains(file.path), "the file is not named: \(damage)")
    }
}

/// A small staged result with every kind of value.
struct StagedSample {
    let result: StagedResult
    let content: [UInt8]

    static let shared = Task { try await make() }

    private static func make() async throws -> StagedSample {
        try await withFolder { folder in
            let source = folder.appending(path: "source.sqlite")
            do {
                let connection = try SQLiteConnection(uri: SQLiteConnection.uri(source.path, mode: "rwc"))
                try connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
            }
            let sql = """
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
                SELECT i AS id, 'name ' || i AS name, i * 0.5 AS balance, zeroblob(i % 9) AS data, NULL AS empty,
                    CASE WHEN i = 20 THEN printf('%.*c', 3000, 'x') ELSE i % 3 END AS mixed FROM n
                """
            let result = try await SQLiteSource(source, busyTimeout: .zero).stage(
                SourceQuery(name: "q", sql: sql, origin: "q.sql", key: "id", parameters: [:]),
                as: "result.sqlite",
                in: folder
            ) { _ in }
            return StagedSample(result: result, content: Array(try Data(contentsOf: result.location(in: folder))))
        }
    }
}
