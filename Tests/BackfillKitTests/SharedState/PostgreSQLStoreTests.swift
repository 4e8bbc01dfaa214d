import Foundation
import SQLConnectors
import Synchronization
import TestSupport
import Testing

@testable import BackfillKit

@Suite(
    "A run store in PostgreSQL is written as if by one, and outlives its sessions",
    .enabled(if: TestPostgreSQL.isThere)
)
struct PostgreSQLStoreTests {
    private static func with(_ body: (RunStore, StateDatabase) async throws -> Void) async throws {
        let database = try StateDatabase(
            (TestPostgreSQL.url ?? "") + "?schema=sessions_\(UUID().uuidString.prefix(8).lowercased())",
            environment: [:]
        )
        let store = try await RunStore.open(database)
        let end: Result<Void, any Error>
        do { end = .success(try await body(store, database)) } catch { end = .failure(error) }
        try await store.database.write { db in try db.execute(sql: "DROP SCHEMA \(database.schema) CASCADE") }
        try end.get()
    }

    private static func count(_ store: RunStore) async throws -> Int? {
        try await store.database.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM setting") }
    }

    @Test("Eight processes that make the schema at the same time make it once")
    func madeOnce() async throws {
        try await Self.with { _, database in
            let fresh = try StateDatabase(
                (TestPostgreSQL.url ?? "") + "?schema=\(database.schema)_2",
                environment: [:]
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        _ = try await RunStore.open(fresh).settle([
                            ("engine", "\(number)"), ("task_queue", "\(number)"),
                        ])
                    }
                }
                try await group.waitForAll()
            }
            let store = try await RunStore.open(fresh)
            let settings = try await store.settings()
            #expect(settings["engine"] != nil && settings["engine"] == settings["task_queue"])
            try await store.database.write { db in try db.execute(sql: "DROP SCHEMA \(fresh.schema) CASCADE") }
        }
    }

    @Test("Increments from many sessions are all there, in whichever scope")
    func noLostUpdate() async throws {
        try await Self.with { store, _ in
            _ = try await store.settle([("count", "0")])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<60 {
                    group.addTask {
                        let bucket = BucketReference(queryID: QueryID(rawValue: "q"), number: number)
                        try await store.database.write(.unsynced, number % 3 == 0 ? .bucket(bucket) : .whole) { db in
                            guard number % 3 != 0 else { return }
                            let count = try Int.fetchOne(db, sql: "SELECT value::bigint FROM setting") ?? -1
                            try db.execute(sql: "UPDATE setting SET value = ?", arguments: ["\(count + 1)"])
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await store.settings()["count"] == "40")
        }
    }

    @Test("A write that fails leaves nothing, and the next one works")
    func failure() async throws {
        struct Wrong: Error {}
        try await Self.with { store, _ in
            await #expect(throws: Wrong.self) {
                try await store.database.write { db in
                    try db.execute(sql: "INSERT INTO setting VALUES ('a', 'b')")
                    throw Wrong()
                }
            }
            #expect(try await Self.count(store) == 0)
            _ = try await store.settle([("a", "b")])
            #expect(try await Self.count(store) == 1)
        }
    }

    @Test("A session that the server ends in the middle of a write is opened again, and the write is done once")
    func endedSession() async throws {
        try await Self.with { store, _ in
            let attempts = Atomic<Int>(0)
            try await store.database.write { db in
                try db.execute(sql: "INSERT INTO setting VALUES ('a', 'b')")
                if attempts.wrappingAdd(1, ordering: .relaxed).newValue < 3 {
                    // What ends this very session is no answer.
                    _ = try db.rows(sql: "SELECT pg_terminate_backend(pg_backend_pid())", arguments: [])
                }
            }
            #expect(attempts.load(ordering: .relaxed) == 3)
            #expect(try await Self.count(store) == 1)
        }
    }

    @Test("A schema of a newer version is left as it is")
    func newer() async throws {
        try await Self.with { store, database in
            try await store.database.write { db in try db.execute(sql: "UPDATE store_version SET version = 99") }
            for opening in [RunStore.require, { try await RunStore.open($0) }] {
                let error = await #expect(throws: StateError.self) { try await opening(database) }
                #expect(error?.description.contains("newer version of backfill and is left untouched") == true)
            }
        }
    }

    @Test("Whoever only looks makes nothing")
    func lookingOnly() async throws {
        try await Self.with { store, database in
            let absent = try StateDatabase(
                (TestPostgreSQL.url ?? "") + "?schema=\(database.schema)_none",
                environment: [:]
            )
            #expect(try await RunStore.openIfThere(absent) == nil)
            await #expect(throws: StateError.self) { try await RunStore.require(absent) }
            let made = try await store.database.read { db in
                try Int.fetchOne(
                    db,
                    sql: "SELECT count(*) FROM pg_namespace WHERE nspname = ?",
                    arguments: [absent.schema]
                )
            }
            #expect(made == 0)
        }
    }

    @Test("A server that is not there is named, and no password")
    func unreachable() async throws {
        let database = try StateDatabase("postgresql://anna:hunter2@127.0.0.1:1/d", environment: [:])
        let error = await #expect(throws: StateUnavailable.self) { try await RunStore.open(database) }
        #expect(error?.description.contains("postgresql://anna:***@127.0.0.1:1/d cannot be reached") == true)
        #expect(error?.description.contains("hunter2") == false)
        // A batch that meets it is tried again, however long it lasts.
        #expect(PermanentFailure.marking(try #require(error)) is StateUnavailable)
    }
}
