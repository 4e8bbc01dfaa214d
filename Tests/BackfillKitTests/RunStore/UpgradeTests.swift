import Foundation
import GRDB
import TestSupport
import Testing
import Workflows

@testable import BackfillKit

@Suite("What the last version left is carried on")
struct UpgradeTests {
    @Test("A state file without the newer tables and columns is brought up to date by whoever looks at it first")
    func stateFile() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "upgrade-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "backfill.sqlite")
        let old = try DatabasePool(path: file.path)
        try RunStoreSchema.migrator.migrate(old, upTo: "2 hooks")
        try await old.write { db in
            try db.execute(
                sql: """
                    INSERT INTO run VALUES ('r-1', 'r', '/spec.yaml', 'd', 'name: r', 'incomplete', 1, 1000, 2000, 'why');
                    INSERT INTO query (query_id, run_id, position, name, sql, state, record_count, bucket_count)
                        VALUES ('q', 'r-1', 0, 'all', 'SELECT 1', 'planned', 10, 1);
                    INSERT INTO bucket (query_id, number, first_ordinal, end_ordinal, state, next_ordinal)
                        VALUES ('q', 1, 1, 11, 'running', 4);
                    INSERT INTO dead_letter VALUES ('r-1', 'q', 2, 'table t', 1, '2', 'x', 'etl-q-x-2', 'E', 'no', 1, '{}', 1500)
                    """
            )
        }
        try old.close()

        let store = try RunStore(reading: file)

        let run = RunID(rawValue: "r-1")
        let progress = try #require(try await ProgressReader(store).runs(run).first)
        #expect(progress.state == .incomplete && progress.records == 10 && progress.error == "why")
        #expect(progress.deadLetters == 1 && progress.waiting == nil)
        #expect(try await store.deadLetters(of: run).map(\.recordID) == ["2"])
        #expect(try await store.control(of: run) == RunControl())
        #expect(try await store.queries(of: run).map(\.kind) == [.query])
    }

    @Test("A state file whose views are older ones gets the new columns and views")
    func olderViews() async throws {
        let folder = try ScratchFolder()
        let file = folder.file("backfill.sqlite")
        let old = try DatabasePool(path: file.path)
        try RunStoreSchema.migrator.migrate(old, upTo: "3 control, redrives, canaries")
        try await old.write { db in
            try db.execute(
                sql: """
                    INSERT INTO grdb_migrations VALUES ('views 3');
                    CREATE VIEW bucket_progress AS SELECT * FROM bucket; CREATE VIEW query_progress AS SELECT * FROM bucket_progress;
                    CREATE VIEW run_progress AS SELECT * FROM query_progress; CREATE VIEW executor_progress AS SELECT * FROM executor;
                    INSERT INTO run (run_id, name, spec_file, spec_digest, spec_text, state, pass, created_at)
                        VALUES ('r-1', 'r', '/spec.yaml', 'd', 'name: r', 'incomplete', 1, 1000);
                    INSERT INTO query (query_id, run_id, position, name, sql, state, record_count, bucket_count)
                        VALUES ('q', 'r-1', 0, 'all', 'SELECT 1', 'planned', 10, 1);
                    INSERT INTO bucket (query_id, number, first_ordinal, end_ordinal, state, next_ordinal)
                        VALUES ('q', 1, 1, 11, 'running', 4)
                    """
            )
        }
        try old.close()

        let store = try RunStore(reading: file)

        let run = RunID(rawValue: "r-1")
        let bucket = try #require(try await ProgressReader(store).buckets(of: run).first)
        #expect(bucket.records == 10 && bucket.published == 3 && bucket.perCent == 30 && bucket.planned == nil)
        #expect(try await store.buckets(of: QueryID(rawValue: "q")).map(\.reservation) == [nil])
        #expect(try await ProgressReader(store).runs(run).first?.planned == nil)
    }

    @Test("An orchestrator's input and outline from an older history have what was added since by default")
    func histories() throws {
        let input = try JSONDecoder().decode(
            OrchestratorInput.self,
            from: Data(#"{"runID": "r-1", "pass": 1, "hooks": [], "hooksDone": []}"#.utf8)
        )
        #expect(input.retries.publish.maximumAttempts == RetrySpec.standard.maximumAttempts)
        let outline = try JSONDecoder().decode(
            RunOutline.self,
            from: Data(
                #"{"queries": [], "stagesTogether": false, "lanes": {}, "executors": 8, "retryPolicy": {}}"#.utf8
            )
        )
        #expect(outline.hasWindow != true)
    }
}
