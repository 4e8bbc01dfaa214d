import Foundation
import TestSupport
import Testing

@testable import SQLConnectors

@Suite("Every value of PostgreSQL arrives as it was", .enabled(if: TestPostgreSQL.isThere))
struct PostgreSQLTypesTests {
    /// Rows as their exact text: floats with all digits, so that even -0 and 0 differ.
    private func difference(_ schema: PostgreSQLSchema, _ one: String, _ other: String) throws -> [String] {
        try schema.rows(
            """
            (SELECT a::text FROM \(one) a EXCEPT ALL SELECT b::text FROM \(other) b)
            UNION ALL (SELECT b::text FROM \(other) b EXCEPT ALL SELECT a::text FROM \(one) a) LIMIT 3
            """
        )
    }

    @Test(
        "PostgreSQL to PostgreSQL, appended and upserted: no row differs",
        arguments: [TableTarget.Mode.append, .upsert(unlessNewer: nil)]
    )
    func roundTrip(_ mode: TableTarget.Mode) async throws {
        let schema = try EveryType.table(rows: 3000, seed: 1, isFinite: false)
        try schema.execute("CREATE TABLE copied (LIKE everything INCLUDING ALL)")
        let records = try await schema.staged("SELECT * FROM everything ORDER BY id", in: ScratchFolder())
        let target = try schema.table("copied", mode)
        try await target.prepare(records.schema)
        for start in stride(from: 0, to: records.count, by: 700) {
            let batch = records.slice(start..<min(records.count, start + 700))
            guard case .written = try await target.write(batch, for: .first) else {
                Issue.record("a record was refused")
                return
            }
        }
        #expect(try difference(schema, "everything", "copied") == [])
    }

    @Test("A table that the sink makes has the source's types")
    func madeTable() async throws {
        let schema = try EveryType.table(rows: 300, seed: 2, isFinite: false)
        let records = try await schema.staged("SELECT * FROM everything ORDER BY id", in: ScratchFolder())
        let target = try schema.table("made", .upsert(unlessNewer: nil), create: true)
        try await target.prepare(records.schema)
        guard case .written = try await target.write(records, for: .first) else {
            Issue.record("a record was refused")
            return
        }
        #expect(try difference(schema, "everything", "made") == [])
    }

    @Test("PostgreSQL to SQLite and back: no row differs")
    func throughSQLite() async throws {
        let schema = try EveryType.table(rows: 2000, seed: 3, isFinite: true)
        try schema.execute("CREATE TABLE back (LIKE everything)")
        let folder = try ScratchFolder()
        let records = try await schema.staged("SELECT * FROM everything ORDER BY id", in: folder)
        let file = folder.file("target.sqlite")
        let middle = SQLiteTable(file, TableTarget(table: "everything", mode: .upsert(unlessNewer: nil), create: true))
        try await middle.prepare(records.schema)
        guard case .written = try await middle.write(records, for: .first) else {
            Issue.record("SQLite refused a record")
            return
        }
        await middle.close()
        let query = SourceQuery(name: "q", sql: "SELECT * FROM everything ORDER BY id", origin: "q.sql", key: "id")
        let result = try await SQLiteSource(file).stage(query, as: "again.sqlite", in: folder.url)
        let again = try await StagedReader(result.location(in: folder.url), schema: result.schema)
            .read(from: 1, to: result.recordCount + 1, limit: BatchLimit(records: .max, bytes: .max))
        let target = try schema.table("back")
        try await target.prepare(again.schema)
        guard case .written = try await target.write(again, for: .first) else {
            Issue.record("PostgreSQL refused a record")
            return
        }
        let differing = try difference(schema, "everything", "back")
        #expect(differing == [])
    }
}
