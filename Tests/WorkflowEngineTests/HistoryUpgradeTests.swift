import Foundation
import GRDB
import TestSupport
import Testing
import WorkflowTesting
import Workflows

@testable import WorkflowEngine

@Suite("Histories of the version before are carried on")
struct HistoryUpgradeTests {
    private static let golden = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "Histories/Fan-1.json"
    )

    /// A file as the version before wrote it.
    private static func old(in folder: ScratchFolder) throws -> (file: URL, history: [HistoryEvent]) {
        let file = folder.url.appending(path: "engine.sqlite")
        let history = try Replayer.read(try Data(contentsOf: golden))
        let queue = try DatabaseQueue(path: file.path)
        try HistorySchema.migrator.migrate(queue, upTo: "1 executions, events, attempts, requests")
        try queue.write { db in
            try db.execute(sql: "INSERT INTO owner VALUES ('o', 1)")
            for id in ["first", "second"] {
                try db.execute(
                    sql: """
                        INSERT INTO execution (execution_id, workflow_id, first_execution_id, workflow_type, parent_close_policy, status,
                            started_at, history_length, owner_id) VALUES (?, ?, ?, 'Fan', 'terminate', 'running', 1, 0, 'o')
                        """,
                    arguments: [id, "w-" + id, id]
                )
                for event in history {
                    let row = try EventRow(event.attributes)
                    try db.execute(
                        sql: "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)",
                        arguments: [
                            id, event.id, event.timestamp.wholeMilliseconds, row.type, row.attributes, row.payload,
                        ]
                    )
                }
            }
        }
        try queue.close()
        return (file, history)
    }

    @Test("Every event is there, for engines, for those who look, and for people with sqlite3")
    func events() async throws {
        let folder = try ScratchFolder()
        let (file, history) = try Self.old(in: folder)
        let reader = try SQLiteHistoryStore(reading: file)
        let store = try SQLiteHistoryStore(file: file)
        for id in ["first", "second"] {
            #expect(try await reader.history(of: id) == history)
            #expect(try await store.execution(id)?.historyLength == history.count)
        }
        let next = HistoryEvent(
            id: history.count + 1,
            timestamp: Date(wholeMilliseconds: 7),
            attributes: .workflowExecutionTerminated(reason: "enough")
        )
        try await store.commit([
            .append(executionID: "first", [next]), .close(executionID: "first", .terminated, at: next.timestamp),
        ])
        #expect(try await reader.history(of: "first") == history + [next])
        let seen = try await DatabaseQueue(path: file.path).read { db in
            try Row.fetchAll(
                db,
                sql:
                    "SELECT event_id, at, type, attributes, payload FROM event WHERE execution_id = 'first' ORDER BY event_id"
            ).map { row in
                let stored = EventRow(type: row["type"], attributes: row["attributes"], payload: row["payload"])
                return HistoryEvent(
                    id: row["event_id"],
                    timestamp: Date(wholeMilliseconds: row["at"]),
                    attributes: try stored.decoded()
                )
            }
        }
        #expect(seen == history + [next])
    }

    @Test("A file in which a process of that version is at work is left as it is")
    func atWork() async throws {
        let folder = try ScratchFolder()
        let (file, _) = try Self.old(in: folder)
        let lock = try OwnerLock(folder: folder.url.appending(path: "engine.owners"), ownerID: "o")
        for open in [{ _ = try SQLiteHistoryStore(file: file) }, { _ = try SQLiteHistoryStore(reading: file) }] {
            let error = #expect(throws: EngineFailure.self, performing: open)
            #expect(error?.description.contains("Process 1") == true)
        }
        let isOld = try await DatabaseQueue(path: file.path).read { db in try db.tableExists("event_batch") == false }
        #expect(isOld)
        withExtendedLifetime(lock) {}
    }

    @Test(
        "Damaged rows are named, with what to do",
        arguments: [
            "UPDATE event_batch SET events = 'x' || events", "UPDATE event_batch SET events = x'00ff'",
            "UPDATE event_batch SET events = '[[1,2,3]]'", "UPDATE execution SET started_at = 'soon'",
            "UPDATE execution SET stall = 'why'",
        ]
    )
    func damaged(statement: String) async throws {
        let folder = try ScratchFolder()
        let (file, _) = try Self.old(in: folder)
        _ = try SQLiteHistoryStore(file: file)
        try await DatabaseQueue(path: file.path).write { db in try db.execute(sql: statement) }
        let store = try SQLiteHistoryStore(file: file)
        let failure = await #expect(throws: EngineFailure.self) {
            _ = try await store.history(of: "first")
            _ = try await store.chain(of: "w-first")
        }
        #expect(
            failure?.description.contains("engine.sqlite") == true && failure?.description.contains("resume") == true
        )
    }
}
