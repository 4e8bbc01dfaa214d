import Foundation
import GRDB
import TestSupport
import Testing

@testable import BackfillKit

@Suite("A rehearsal plans, times and shows messages, and leaves nothing")
struct RehearsalTests {
    private func spec(in folder: ScratchFolder, sinks: String, more: String = "") async throws -> BackfillSpec {
        let source = try DatabaseQueue(path: folder.file("source.sqlite").path)
        try await source.write { db in
            try db.execute(
                sql: """
                    CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT);
                    INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
                    SELECT i, 'name ' || i FROM n;
                    """
            )
        }
        try source.close()
        let text = """
            name: rehearsed
            source: sqlite:source.sqlite
            queries:
              - {name: few, sql: SELECT id FROM t WHERE id <= 2, key: id}
              - {name: all, sql: "SELECT id, name FROM t", key: id}
            buckets: 4
            batch: 100
            \(more)
            sinks:
            \(sinks)
            """
        return try BackfillSpec.parse(text: text, file: folder.file("spec.yaml").path, environment: [:])
    }

    @Test("Messages are spread over all results; what one lacks another shows")
    func messages() async throws {
        let folder = try ScratchFolder()
        let spec = try await spec(in: folder, sinks: "  - file: {path: out.ndjson}")

        let rehearsal = try await Rehearsal(of: spec, Rehearsal.Wishes(messages: 10))

        #expect(rehearsal.messages.map(\.attributes.query) == ["few", "few"] + Array(repeating: "all", count: 8))
        #expect(rehearsal.messages.suffix(8).map(\.attributes.ordinal) == [1, 143, 286, 429, 571, 714, 857, 1000])
        #expect(rehearsal.messages.last?.correlationID == "etl-QUERY-EXECUTION-1000")
        #expect(rehearsal.messages.last?.attributes.bucket == 4)
        #expect(rehearsal.messages.last?.payload == #"{"id":1000,"name":"name 1000"}"#)
        #expect(rehearsal.forecast == nil)
        #expect(try folder.names == ["source.sqlite"])
    }

    @Test("Tables and files are timed and nothing of it stays")
    func forecast() async throws {
        let folder = try ScratchFolder()
        let spec = try await spec(
            in: folder,
            sinks: """
                  - table: {database: "sqlite:target.sqlite", name: t, mode: upsert, create: true}
                  - file: {path: out.ndjson}
                """
        )

        let forecast = try #require(try await Rehearsal(of: spec, Rehearsal.Wishes(forecast: true)).forecast)

        #expect(forecast.records == 1002)
        #expect(forecast.stagingSeconds > 0)
        #expect(forecast.publishingSeconds > 0)
        #expect(forecast.leftOut.isEmpty)
        #expect(try folder.names == ["source.sqlite"])
    }

    @Test("A pace makes the forecast as long as the pace is slow")
    func paced() async throws {
        let folder = try ScratchFolder()
        let spec = try await spec(in: folder, sinks: "  - file: {path: out.ndjson}", more: "pace: 1/s")

        let forecast = try #require(try await Rehearsal(of: spec, Rehearsal.Wishes(forecast: true)).forecast)

        #expect(forecast.publishingSeconds >= 1002)
        #expect(forecast.limit == .pace(Pace(records: 1), lane: nil))
    }

    @Test("A sink whose database a hook makes ready is left out, and named")
    func leftOut() async throws {
        let folder = try ScratchFolder()
        let spec = try await spec(
            in: folder,
            sinks: #"  - table: {database: "sqlite:target.sqlite", name: t}"#,
            more: "before: {sql: CREATE TABLE t (id), on: target}"
        )

        let forecast = try #require(try await Rehearsal(of: spec, Rehearsal.Wishes(forecast: true)).forecast)

        #expect(forecast.leftOut.count == 1)
        #expect(forecast.leftOut.first?.contains("table t") == true)
        #expect(try folder.names == ["source.sqlite"])
    }
}
