import Foundation
import GRDB
import TestSupport
import Testing

@testable import SQLConnectors

@Suite("A selection of a staged result holds the records that were asked for, in their order, with their exact values")
struct StagedSelectionTests {
    @Test("Records by their ordinals, with the values that were replaced")
    func taken() async throws {
        try await Place.with { place in
            let whole = try await place.stage("SELECT id, name, data FROM t ORDER BY id", as: "whole")

            let part = try await StagedSelection(from: whole, in: place.folder)
                .take([4, 2, 9], replacing: [4: [1: .text("mended")]], as: "part.sqlite")

            #expect(part.recordCount == 3 && part.schema == whole.schema)
            #expect(try await place.rows(of: part) == ["2|n2|NULL", "4|mended|NULL", "9|n9|NULL"])
            try await part.verify(in: place.folder)
        }
    }

    @Test("What was not taken before, by the keys of an earlier result; what that one missed comes again")
    func rest() async throws {
        try await Place.with { place in
            let earlier = try await place.stage(
                "SELECT id, name, data FROM t WHERE id % 2 = 0 ORDER BY id DESC",
                as: "earlier"
            )
            let whole = try await place.stage("SELECT id, name, data FROM t ORDER BY id", as: "whole")
            // Of 10, 8, 6, 4, 2 the first three were settled, and the second of them was refused.
            let taken = StagedSelection.Taken(result: earlier, ordinals: [1..<4], except: [2])
            let selection = StagedSelection(from: whole, in: place.folder)

            let rest = try await selection.rest(leavingOut: [taken], onlyKeys: nil, limit: nil, as: "rest.sqlite")
            #expect(try await place.keys(of: rest) == ["1", "2", "3", "4", "5", "7", "8", "9"])

            let first = try await selection.rest(leavingOut: [taken], onlyKeys: nil, limit: 3, as: "first.sqlite")
            #expect(try await place.keys(of: first) == ["1", "2", "3"])

            let within = try await selection.rest(
                leavingOut: [],
                within: taken,
                onlyKeys: nil,
                limit: nil,
                as: "within.sqlite"
            )
            #expect(try await place.keys(of: within) == ["6", "10"])
        }
    }

    @Test("Only given record ids, whatever type the key has; none is a result without records")
    func keys() async throws {
        try await Place.with { place in
            for (key, ids) in [("id", ["3", "11"]), ("name", ["n3", "x"]), ("data", ["0a03", "00"])] {
                let sql =
                    "SELECT id, name, coalesce(data, x'0a03') AS data FROM t WHERE id = 3 OR id = 5 AND :key <> 'data'"
                let whole = try await place.stage(sql, as: "whole-\(key)", key: key, parameters: ["key": .text(key)])

                let part = try await StagedSelection(from: whole, in: place.folder)
                    .rest(leavingOut: [], onlyKeys: ids, limit: nil, as: "part-\(key).sqlite")
                #expect(try await place.keys(of: part) == [ids[0]], "key \(key)")

                let none = try await StagedSelection(from: whole, in: place.folder)
                    .rest(leavingOut: [], onlyKeys: ["nobody"], limit: nil, as: "none-\(key).sqlite")
                #expect(none.recordCount == 0)
            }
        }
    }

    @Test("A result that is gone is named, and nothing half-made stays")
    func gone() async throws {
        try await Place.with { place in
            let whole = try await place.stage("SELECT id, name, data FROM t", as: "whole")
            try FileManager.default.removeItem(at: whole.location(in: place.folder))

            await #expect(throws: StagedResultDamaged.self) {
                _ = try await StagedSelection(from: whole, in: place.folder).take([1], as: "part.sqlite")
            }
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: place.folder.path).sorted() == ["source.sqlite"]
            )
        }
    }
}

/// A folder with a source of ten rows.
private struct Place {
    let folder: URL

    static func with(_ body: (Place) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "selection-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let source = try DatabaseQueue(path: folder.appending(path: "source.sqlite").path)
        try await source.write { db in
            try db.execute(
                sql: """
                    CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, data BLOB);
                    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10)
                    INSERT INTO t SELECT i, 'n' || i, NULL FROM n
                    """
            )
        }
        try source.close()
        try await body(Place(folder: folder))
    }

    func stage(_ sql: String, as name: String, key: String = "id", parameters: [String: Value] = [:]) async throws
        -> StagedResult
    {
        try await SQLiteSource(folder.appending(path: "source.sqlite")).stage(
            SourceQuery(name: name, sql: sql, origin: "test", key: key, parameters: parameters),
            as: "\(name).sqlite",
            in: folder
        )
    }

    func rows(of result: StagedResult) async throws -> [String] {
        let batch = try await all(of: result)
        return (0..<batch.count).map { row in
            batch.schema.columns.indices.map { column in
                switch batch[row, column] {
                case .null: "NULL"
                case .integer(let value): "\(value)"
                case .text(let value): value
                case let value: "\(value)"
                }
            }.joined(separator: "|")
        }
    }

    func keys(of result: StagedResult) async throws -> [String] {
        let batch = try await all(of: result)
        return (0..<batch.count).map { batch.key(at: $0) }
    }

    private func all(of result: StagedResult) async throws -> RecordBatch {
        try await StagedReader(result.location(in: folder), schema: result.schema)
            .read(from: 1, to: result.recordCount + 1, limit: BatchLimit(records: 1_000, bytes: .max))
    }
}
