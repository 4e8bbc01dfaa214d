import Foundation
import Testing

/// A second sink that cannot take one record, for no fault of the record: an index that a trigger fills is damaged.
///
/// 800 records in four buckets of 200 and batches of 50: record 501 lies in bucket 3, whose checkpoint then stays at ordinal 501.
enum Mishap {
    static let records = 800
    static let bucket = 3
    static let record = 501
    /// Batches of the bucket before the one that holds the record are settled.
    static let checkpoint = 501
    static let lastOfBucket = 600

    static var spec: SpecFile {
        SpecFile(
            sinks: [SpecFile.upsert(), SpecFile.append("log", in: "second.sqlite")],
            more: ["buckets: 4", "batch: 50", "executors: 1", SpecFile.fewAttempts]
        )
    }
}

extension Workplace {
    /// Makes the second sink fail at ``Mishap/record``.
    func breakSecondSink() async throws {
        try await execute(
            """
            CREATE TABLE log (id, name, note, score);
            CREATE VIRTUAL TABLE place USING rtree (id, least, most);
            INSERT INTO place VALUES (1, 0, 1);
            UPDATE place_node SET data = CAST(x'FFFF' || substr(data, 3) AS BLOB);
            CREATE TRIGGER fill_place AFTER INSERT ON log WHEN NEW.id = \(Mishap.record)
            BEGIN INSERT INTO place VALUES (NEW.id, 0, 1); END;
            """,
            on: "second.sqlite"
        )
    }

    /// Takes the cause away.
    func mendSecondSink() async throws {
        try await execute("DROP TRIGGER fill_place", on: "second.sqlite")
    }

    /// Runs the spec against the broken sink, then mends it.
    ///
    /// - Returns: the run's id; one `resume` away from complete.
    func failARun(_ spec: SpecFile = Mishap.spec) async throws -> String {
        try await makeSource(records: Mishap.records)
        try write(spec)
        try await breakSecondSink()
        let end = try await backfill("run", "spec.yaml")
        #expect(end.status == .exit(1), "\(end.all)")
        try await mendSecondSink()
        return try await newestRun()
    }

    /// All that the state folder and the targets hold, as SQLite sees it: every row of every table.
    func everythingKept() async throws -> [String: [String]] {
        var kept: [String: [String]] = [:]
        for database in [".backfill/backfill.sqlite", ".backfill/engine.sqlite", "target.sqlite", "second.sqlite"]
        where exists(database) {
            let tables = try await values(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'",
                of: database,
                as: String.self
            )
            for table in tables {
                let columns = try await values(
                    "SELECT name FROM pragma_table_info('\(table)')",
                    of: database,
                    as: String.self
                )
                let row = columns.map { "quote(\"\($0)\")" }.joined(separator: " || '|' || ")
                kept["\(database) \(table)"] = try await values(
                    "SELECT \(row) FROM \"\(table)\" ORDER BY 1",
                    of: database,
                    as: String.self
                )
            }
        }
        return kept
    }
}
