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

    private static func spec() throws -> BackfillSpec {
        try BackfillSpec.parse(
            text: """
                name: people
                source: sqlite:source.sqlite
                queries: [{name: all, sql: "SELECT 2 AS id", key: id}]
                sinks: [{table: {database: "sqlite:t.sqlite", name: t, mode: append, create: true}}]
                """,
            file: "/spec.yaml",
            environment: [:]
        )
    }

    private static let letter = StoredDeadLetter(
        runID: run,
        queryID: query.queryID,
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

    private static func result(_ name: String, _ records: Int) throws -> StagedResult {
        let text = """
            {"fileName":"\(name)","recordCount":\(records),"fileSize":1,"checksum":"0",
            "schema":{"columns":[{"name":"id"}],"keyIndex":0,"dialect":"sqlite"}}
            """
        return try JSONDecoder().decode(StagedResult.self, from: Data(text.utf8))
    }

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
        var second = Self.query
        (second.queryID, second.name, second.position) = (QueryID(rawValue: "q2"), "others", 1)
        try await store.create(Self.stored, queries: [Self.query, second])
        let ids = [Self.query.queryID, second.queryID]
        let first = [try Self.result("q1.a.sqlite", 10), try Self.result("q2.a.sqlite", 20)]
        #expect(try await store.store(Array(zip(ids, first))).map(\.fileName) == first.map(\.fileName))
        let late = [try Self.result("q1.b.sqlite", 11), try Self.result("q2.b.sqlite", 21)]
        #expect(try await store.store(Array(zip(ids, late))).map(\.fileName) == first.map(\.fileName))
        #expect(try await store.store(late[0], for: ids[0]).fileName == "q1.a.sqlite")
        let third = StoredQuery(
            queryID: QueryID(rawValue: "q3"),
            runID: Self.run,
            name: "x",
            position: 2,
            sql: "",
            state: .pending
        )
        try await store.database.write { db in try RunStore.insert(third, db) }
        let some = [(ids[0], late[0]), (third.queryID, late[1])]
        await #expect(throws: RunRefused.self, "only some have a result") { try await store.store(some) }
        #expect(try await store.query(third.queryID)?.staged == nil)
        #expect(try await store.query(ids[1])?.staged?.recordCount == 20)
    }

    @Test("What the SQL of before selects is nobody's result once it is mended")
    func mendedMeanwhile() async throws {
        let store = try RunStore(inMemory: { .distantPast })
        try await store.create(Self.stored, queries: [Self.query])
        let mended = QueryID(rawValue: "q2")
        try await store.amend(
            Self.stored,
            try Self.spec(),
            [.rewrite(Self.query.queryID, as: mended, sql: "SELECT 2 AS id")],
            subscriptions: 1,
            by: "anna"
        )
        await #expect(throws: PlanLost.self) {
            try await store.store(try Self.result("q1.sqlite", 10), for: Self.query.queryID)
        }
        await #expect(throws: PlanLost.self) {
            try await store.freeze(BucketPlan(unchecked: []), for: Self.query.queryID)
        }
        #expect(try await store.query(mended)?.staged == nil)
        #expect(try await store.queries(of: Self.run).map(\.sql) == ["SELECT 2 AS id"])
    }

    @Test("A record that a sink refused where no other has come yet is the mended query's alone")
    func refusedAtTheEnd() async throws {
        let store = try await makeStore()
        _ = try await store.store(try Self.result("q1.sqlite", 10), for: Self.query.queryID)
        for ordinal in [3, 6] as [Int64] {
            var letter = Self.letter
            letter.ordinal = ordinal
            try await store.keep(letter, of: Self.query) { _ in }
        }
        let old = try #require(try await store.query(Self.query.queryID))
        var successor = Self.query
        (successor.queryID, successor.skips) = (QueryID(rawValue: "q2"), [old.queryID])
        let standings = [
            SinkStanding(bucket: 1, subscription: "target", next: 6),
            SinkStanding(bucket: 1, subscription: "other", next: 1),
        ]
        try await store.amend(
            try #require(try await store.run(Self.run)),
            try Self.spec(),
            [.supersede(old, by: successor, standings: Standings(own: standings, derived: []))],
            subscriptions: 2,
            by: "anna"
        )
        // What is left out of the mended query, and what the sinks catch up with: 6 is in neither.
        #expect(try await store.taken(of: old, subscriptions: 2)?.ordinals == [1..<6])
        #expect(try await store.lagging("target", of: old)?.ordinals == [3..<4])
        #expect(try await store.lagging("other", of: old)?.ordinals == [1..<6])
    }

    @Test("A command, or a full budget, of an earlier pass does not stop the later one")
    func stop() async throws {
        let store = try await makeStore()
        func command(_ verb: ControlCommand.Verb, at: Int64) -> ControlCommand {
            ControlCommand(verb, RunControl.Request(by: "anna", at: at))
        }
        let stop = command(.stop("its spec is taken anew"), at: 1)
        #expect(try await store.apply(stop, to: Self.run).stopped != nil)
        try await store.markRunning(Self.run, pass: 3)
        #expect(try await store.apply(stop, to: Self.run).stopped == nil, "an attempt that was taken for dead")
        try await store.noteStopped("too many dead letters", Self.run, pass: 2)
        #expect(try await store.control(of: Self.run).stopped == nil)
        try await store.noteStopped("too many dead letters", Self.run, pass: 3)
        #expect(try await store.control(of: Self.run).stopped == "too many dead letters")

        #expect(try await store.apply(command(.pause, at: 2), to: Self.run).paused != nil)
        #expect(try await store.apply(command(.resume, at: 3), to: Self.run).paused == nil)
        #expect(try await store.apply(command(.pause, at: 2), to: Self.run).paused == nil)
    }

    @Test("A query that is through gets no dead letter, and none of its buckets waits")
    func throughQuery() async throws {
        let store = try await makeStore()
        func retry() async throws {
            try await store.noteRetry(
                bucket: 1,
                of: Self.query.queryID,
                executionID: "x",
                attempt: 1,
                error: "gone"
            )
        }
        try await store.keep(Self.letter, of: Self.query) { _ in }
        try await retry()
        #expect(try await store.deadLetters(of: Self.run).count == 1)
        #expect(try await store.bucket(1, of: Self.query.queryID)?.state == .running)

        // As a mended spec leaves it: the bucket is another query's now.
        try await store.database.write { db in
            try db.execute(sql: "UPDATE query SET state = 'complete', kind = 'superseded'")
            try db.execute(sql: "UPDATE bucket SET state = 'failed'")
            try db.execute(sql: "DELETE FROM dead_letter")
        }
        await #expect(throws: RunRefused.self) { try await store.keep(Self.letter, of: Self.query) { _ in } }
        try await retry()
        #expect(try await store.deadLetters(of: Self.run).isEmpty)
        #expect(try await store.bucket(1, of: Self.query.queryID)?.state == .failed)
        let checkpoint = BatchCheckpoint(
            runID: Self.run,
            queryID: Self.query.queryID,
            bucket: 1,
            executionID: "x",
            firstOrdinal: 1,
            nextOrdinal: 6,
            skipped: 0,
            isLast: false,
            redeliveries: 0
        )
        #expect(try await store.record(checkpoint, of: Self.query).nextOrdinal == 1)
        try await store.markFailed(Self.query.queryID, error: "late")
        try await store.closeQuery(Self.query.queryID)
        #expect(try await store.query(Self.query.queryID)?.state == .complete)
    }
}
