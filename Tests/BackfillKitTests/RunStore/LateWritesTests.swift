import Foundation
import SQLConnectors
import Testing

@testable import BackfillKit

@Suite("What a process writes that was taken for dead and goes on late changes nothing")
struct LateWritesTests {
    private static let run = RunID(rawValue: "people-1")
    private static let query = StoredQuery(
        queryID: QueryID(rawValue: "q1"),
        runID: run,
        name: "all",
        position: 0,
        sql: "SELECT 1 AS id",
        state: .pending
    )

    private static let stored = StoredRun(
        runID: run,
        name: "people",
        specFile: "/spec.yaml",
        specDigest: "0",
        specText: "",
        state: .running,
        pass: 1,
        createdAt: 0
    )

    /// A store with a run in its second pass, of one query with one bucket of ten records.
    private func makeStore() async throws -> RunStore {
        let store = try RunStore(inMemory: { .distantPast })
        try await store.create(Self.stored, queries: [Self.query])
        let plan = BucketPlan(unchecked: [Bucket(number: 1, firstOrdinal: 1, endOrdinal: 11)])
        _ = try await store.freeze(plan, for: Self.query.queryID)
        try await store.markRunning(Self.run, pass: 2)
        return store
    }

    @Test("The end of an earlier pass is not the later one's; its own is")
    func pass() async throws {
        let store = try await makeStore()
        #expect(try await !store.finish(Self.run, pass: 1, state: .cancelled, error: "late"))
        #expect(try await store.run(Self.run)?.state == .running)
        #expect(try await store.finish(Self.run, pass: 2, state: .complete, error: nil))
        #expect(try await store.run(Self.run)?.state == .complete)
    }

    @Test("What was staged first stays a query's result, staged alone or together with others")
    func staged() async throws {
        let store = try RunStore(inMemory: { .distantPast })
        func result(_ name: String, _ records: Int) throws -> StagedResult {
            let text = """
                {"fileName":"\(name)","recordCount":\(records),"fileSize":1,"checksum":"0",
                "schema":{"columns":[{"name":"id"}],"keyIndex":0,"dialect":"sqlite"}}
                """
            return try JSONDecoder().decode(StagedResult.self, from: Data(text.utf8))
        }
        var second = Self.query
        (second.queryID, second.name, second.position) = (QueryID(rawValue: "q2"), "others", 1)
        try await store.create(Self.stored, queries: [Self.query, second])
        let ids = [Self.query.queryID, second.queryID]
        let first = [try result("q1.a.sqlite", 10), try result("q2.a.sqlite", 20)]
        #expect(try await store.store(Array(zip(ids, first))).map(\.fileName) == first.map(\.fileName))
        let late = [try result("q1.b.sqlite", 11), try result("q2.b.sqlite", 21)]
        #expect(try await store.store(Array(zip(ids, late))).map(\.fileName) == first.map(\.fileName))
        #expect(try await store.store(late[0], for: ids[0]).fileName == "q1.a.sqlite")
        #expect(try await store.query(ids[1])?.staged?.recordCount == 20)
    }

    @Test("A query that is through gets no dead letter, and none of its buckets waits")
    func throughQuery() async throws {
        let store = try await makeStore()
        let letter = StoredDeadLetter(
            runID: Self.run,
            queryID: Self.query.queryID,
            ordinal: 3,
            subscription: "target",
            bucket: 1,
            recordID: "3",
            executionID: "x",
            correlationID: "etl",
            errorType: "Refused",
            error: "refused",
            attempts: 1,
            payload: "{}",
            createdAt: 0
        )
        func retry() async throws {
            try await store.noteRetry(
                bucket: 1,
                of: Self.query.queryID,
                executionID: "x",
                attempt: 1,
                error: "gone"
            )
        }
        try await store.keep(letter, of: Self.query) { _ in }
        try await retry()
        #expect(try await store.deadLetters(of: Self.run).count == 1)
        #expect(try await store.bucket(1, of: Self.query.queryID)?.state == .running)

        // As a mended spec leaves it: the bucket is another query's now.
        try await store.database.write { db in
            try db.execute(sql: "UPDATE query SET state = 'complete', kind = 'superseded'")
            try db.execute(sql: "UPDATE bucket SET state = 'failed'")
            try db.execute(sql: "DELETE FROM dead_letter")
        }
        await #expect(throws: RunRefused.self) { try await store.keep(letter, of: Self.query) { _ in } }
        try await retry()
        #expect(try await store.deadLetters(of: Self.run).isEmpty)
        #expect(try await store.bucket(1, of: Self.query.queryID)?.state == .failed)
    }
}
