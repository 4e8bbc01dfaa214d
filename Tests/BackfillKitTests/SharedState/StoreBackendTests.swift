import Foundation
import GRDB
import SQLConnectors
import Synchronization
import TestSupport
import Testing

@testable import BackfillKit

@Suite("SQLite and PostgreSQL keep the same run store")
struct StoreBackendTests {
    /// Both stores, with one clock.
    private struct Pair {
        let sqlite: RunStore
        let postgreSQL: RunStore
        let clock: Clock

        final class Clock: Sendable {
            private let milliseconds = Atomic<Int64>(1_700_000_000_000)
            var now: Date { Date(timeIntervalSince1970: Double(milliseconds.load(ordering: .relaxed)) / 1000) }
            func advance(by step: Int64) { _ = milliseconds.wrappingAdd(step, ordering: .relaxed) }
        }

        /// Takes a step on both, and expects the same answer and the same tables and views afterwards.
        func expectSame(_ name: String, _ step: (RunStore) async throws -> String) async throws {
            var (answers, contents) = ([String](), [[String: [String]]]())
            for store in [sqlite, postgreSQL] {
                do {
                    answers.append(try await step(store))
                } catch let error as StateError {
                    // Refusals of the domain are the same on both; that a database fails is none of them.
                    Issue.record("\(name): \(error)")
                    throw error
                } catch {
                    answers.append("\(type(of: error)): \(error)")
                }
                contents.append(try await Self.contents(of: store))
            }
            try #require(answers[0] == answers[1], "\(name)")
            for table in Self.tables {
                try #require(contents[0][table] == contents[1][table], "\(table) after \(name)")
            }
            clock.advance(by: 321)
        }

        private static let tables = [
            "run", "hook", "run_process", "run_worker", "rate_sample", "query", "bucket", "executor", "dead_letter",
            "record_origin", "lagging", "bucket_progress", "query_progress", "run_progress", "executor_progress",
            "run_event", "figures",
        ]

        private static func contents(of store: RunStore) async throws -> [String: [String]] {
            var contents = try await store.database.read { db in
                var contents: [String: [String]] = [:]
                for table in tables where table != "figures" {
                    contents[table] = try db.rows(sql: "SELECT * FROM \(table)", arguments: []).map(line).sorted()
                }
                return contents
            }
            let reader = ProgressReader(store)
            let run = StoreBackendTests.run
            // Sorted here: what a store has given ids to has no order that both share.
            func lines(_ rows: [some Encodable & Sendable]) throws -> [String] {
                try rows.map(StoreBackendTests.text).sorted()
            }
            contents["figures"] =
                try lines(await reader.runs()) + lines(await reader.runs(run)) + lines(await reader.queries(of: run))
                + lines(await reader.buckets(of: run)) + lines(await reader.executors(of: run))
            return contents
        }

        /// Numbers are what they are worth, in whichever type they come; ids that a store gives by itself differ.
        private static func line(_ row: Row) -> String {
            row.map { column, value in
                if column == "query_id", !StoreBackendTests.isKnown(String.fromDatabaseValue(value) ?? "") {
                    return "\(column) given"
                }
                return "\(column) \(Double.fromDatabaseValue(value).map { "\($0)" } ?? "\(value)")"
            }.sorted().joined(separator: ", ")
        }
    }

    static let run = RunID(rawValue: "people-1")
    private static let queryIDs = ["q1", "q2", "q3", "q4", "q5"].map(QueryID.init(rawValue:))

    fileprivate static func isKnown(_ id: String) -> Bool {
        ["new", "new-rest"].contains(id) || queryIDs.contains { $0.rawValue == id }
    }

    fileprivate static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(value), as: UTF8.self).replacing(
            #/"queryID":"[0-9a-z]{16}"/#,
            with: "given"
        )
    }

    @Test(
        "Whatever is done to a store, both answer alike and hold the same",
        .enabled(if: TestPostgreSQL.isThere),
        arguments: UInt64(1)...3
    )
    func randomSteps(seed: UInt64) async throws {
        let database = try StateDatabase(
            (TestPostgreSQL.url ?? "") + "?schema=store_\(UUID().uuidString.prefix(8).lowercased())",
            environment: [:]
        )
        let clock = Pair.Clock()
        let pair = Pair(
            sqlite: try RunStore(inMemory: { clock.now }),
            postgreSQL: try await RunStore.open(database) { clock.now },
            clock: clock
        )
        let failure = await Result { try await Self.drive(pair, SplitMix64(seed: seed)) }
        try await pair.postgreSQL.database.write { db in try db.execute(sql: "DROP SCHEMA \(database.schema) CASCADE") }
        try failure.get()
    }

    private static func drive(_ pair: Pair, _ generator: SplitMix64) async throws {
        var random = generator
        func pick(_ range: ClosedRange<Int64>) -> Int64 { .random(in: range, using: &random) }
        let spec = try BackfillSpec.parse(
            text: """
                name: people
                source: sqlite:source.sqlite
                queries:
                  - {name: all, sql: SELECT 1 AS id, key: id}
                sinks:
                  - table: {database: "sqlite:target.sqlite", name: one, mode: append, create: true}
                  - table: {database: "sqlite:target.sqlite", name: two, mode: upsert, create: true}
                """,
            file: "/spec.yaml",
            environment: [:]
        )
        let sinks = ["one", "two"]
        let staged = try JSONDecoder().decode(
            StagedResult.self,
            from: Data(
                #"{"fileName":"q1.sqlite","recordCount":1000,"fileSize":1,"checksum":"0","schema":{"columns":[{"name":"id"}],"keyIndex":0,"dialect":"sqlite"}}"#
                    .utf8
            )
        )
        var stored = StoredRun(
            runID: run,
            name: "people",
            specFile: spec.file,
            specDigest: spec.digest,
            specText: spec.sourceText,
            state: .running,
            pass: 1,
            createdAt: 1_700_000_000_000
        )
        stored.canary = Canary(limit: 10_000, keyCount: nil)
        func query(_ id: QueryID, _ name: String, _ position: Int) -> StoredQuery {
            StoredQuery(
                queryID: id,
                runID: run,
                name: name,
                position: position,
                lane: "light",
                sql: "SELECT 1 AS id",
                state: .pending,
                skips: position == 0 ? nil : [queryIDs[0]]
            )
        }
        let queries = [
            query(queryIDs[0], "all", 0), query(queryIDs[1], "others", 1), query(queryIDs[4], "rest", 2),
        ]
        let (one, two, rest) = (queries[0], queries[1], queries[2])
        let plan = BucketPlan(
            unchecked: (0..<4).map { number in
                let first = Int64(number) * 250
                return Bucket(number: number + 1, firstOrdinal: first + 1, endOrdinal: first + 251)
            }
        )

        try await pair.expectSame("create") {
            try await $0.create(stored, queries: queries, hookSQL: ["a": "SELECT 1"]); return ""
        }
        try await pair.expectSame("create again") {
            try await $0.create(stored, queries: []); return ""
        }
        try await pair.expectSame("process") {
            try await $0.noteProcess(7, on: run); return ""
        }
        try await pair.expectSame("process again") {
            try await $0.noteProcess(7, on: run); return ""
        }
        try await pair.expectSame("extracting") {
            try await $0.noteExtracting(one.queryID, records: 10); return ""
        }
        try await pair.expectSame("store") { try text(await $0.store(staged, for: one.queryID)) }
        try await pair.expectSame("store both") {
            try text(await $0.store([(two.queryID, staged)]))
        }
        try await pair.expectSame("freeze") { "\(try await $0.freeze(plan, for: one.queryID))" }
        try await pair.expectSame("freeze direct") {
            let direct = DirectResult(recordCount: 0, schema: staged.schema)
            return "\(try await $0.freeze(BucketPlan(unchecked: []), for: two.queryID, direct: direct))"
        }

        var derived = 0
        for _ in 0..<100 {
            let number = Int(pick(1...4))
            let ordinal = Int64(number - 1) * 250 + pick(1...250)
            let bucket = BucketReference(queryID: one.queryID, number: number)
            let sink = sinks[Int(pick(0...1))]
            let error = pick(0...1) == 0 ? "refused" : "Refused later"
            switch pick(0...30) {
            case 0...7:
                let checkpoint = BatchCheckpoint(
                    runID: run,
                    queryID: one.queryID,
                    bucket: number,
                    executionID: "x\(number)\(pick(0...1))",
                    firstOrdinal: max(Int64(number - 1) * 250 + 1, ordinal - 20),
                    nextOrdinal: ordinal,
                    skipped: 0,
                    isLast: pick(0...20) == 0,
                    redeliveries: Int(pick(0...3))
                )
                try await pair.expectSame("checkpoint") { "\(try await $0.record(checkpoint, of: one).nextOrdinal)" }
            case 8...12:
                let letter = StoredDeadLetter(
                    runID: run,
                    queryID: one.queryID,
                    ordinal: ordinal,
                    subscription: sink,
                    bucket: number,
                    recordID: "\(ordinal)",
                    executionID: "x",
                    correlationID: "etl",
                    errorType: "Refused",
                    error: error,
                    attempts: 2,
                    payload: "{}",
                    createdAt: 5
                )
                try await pair.expectSame("letter") {
                    try await $0.keep(letter, of: one) { _ in }; return ""
                }
            case 13:
                try await pair.expectSame("retry") {
                    try await $0.noteRetry(
                        bucket: number,
                        of: one.queryID,
                        executionID: "x",
                        attempt: 3,
                        error: SourceChanged.beginning
                    )
                    return ""
                }
            case 14:
                try await pair.expectSame("failed bucket") {
                    try await $0.markFailed(bucket: number, of: one.queryID, error: SourceChanged.beginning + "!")
                    return ""
                }
            case 15:
                try await pair.expectSame("close") {
                    try await $0.closeQuery(one.queryID); return ""
                }
            case 16:
                try await pair.expectSame("reopen") {
                    try await $0.reopen(run, only: number == 1 ? nil : bucket); return ""
                }
            case 17:
                let filter = DeadLetterFilter(
                    query: number == 1 ? "all" : nil,
                    bucket: number == 2 ? 2 : nil,
                    subscription: number == 3 ? sink : nil,
                    recordID: number == 4 ? "\(ordinal)" : nil,
                    errorText: "LATER"
                )
                try await pair.expectSame("discard") { "\(try await $0.discard(filter, of: run, by: "anna"))" }
            case 18:
                try await pair.expectSame("letters") { store in
                    let letters = try await store.deadLetters(of: run)
                    let counts = try await store.deadLetterCounts(of: run).map { "\($0.key) \($0.value)" }.sorted()
                    return try text(letters) + text(await store.settled(letters, of: run)) + "\(counts)"
                        + "\(try await store.refusedRecords(of: one.queryID, from: 1, to: ordinal))"
                        + text(await store.deadLetters(of: one.queryID, from: 1, to: ordinal, limit: 3))
                        + "\(try await store.isThrough(one))\(try await store.unpassedLetters(of: run).map(\.ordinal).sorted())"
                        + "\(try await store.errorBooks(of: run).queries[one.queryID]?.deadLetters ?? -1)"
                }
            case 19:
                try await pair.expectSame("forget") { store in
                    try await store.forget(
                        Array(try await store.unpassedLetters(of: run).sorted { $0.ordinal < $1.ordinal }.prefix(2))
                    )
                    try await store.forgetLetters(of: one.queryID, ordinal..<ordinal + 5)
                    return ""
                }
            case 20:
                let verbs: [ControlCommand.Verb] = [
                    .pause, .resume, .throttle(Throttle(records: Double(ordinal))),
                ]
                let command = ControlCommand(verbs[Int(pick(0...2))], RunControl.Request(by: "anna", at: pick(1...5)))
                try await pair.expectSame("control") { try text(await $0.apply(command, to: run)) }
            case 21:
                try await pair.expectSame("notes") { store in
                    try await store.noteStopped("budget", run, pass: 2)
                    try await store.noteWaiting(number == 1 ? nil : "pace", on: run)
                    try await store.note("window", "shut", on: run)
                    return try text(await store.events(of: run, limit: 3).map(\.text))
                }
            case 22:
                try await pair.expectSame("workers") { "\(try await $0.notePublishing("w\(number)", on: run))" }
            case 23:
                try await pair.expectSame("open buckets") { store in
                    let open = try await store.openBuckets(of: one.queryID, after: 1, limit: 2)
                    let found = try await store.bucket(holding: ordinal, of: one.queryID)?.number ?? 0
                    let settling = try await store.execution(settling: ordinal, of: one.queryID)?.executionID ?? ""
                    let chain = try await store.execution("x10")?.settled ?? -1
                    return "\(open) \(found) \(settling) \(chain)"
                }
            case 24:
                let reservation = Reservation(after: nil, parts: [])
                try await pair.expectSame("reserve") {
                    let known = try await $0.bucket(number, of: one.queryID)?.reservation
                    try await $0.reserve(reservation, replacing: known, in: bucket)
                    return "\(try await $0.allowRepeating(run, only: ordinal % 2 == 0 ? bucket : nil))"
                }
            case 25:
                try await pair.expectSame("taken") { store in
                    let taken = try await store.taken(
                        of: try #require(await store.query(one.queryID)),
                        subscriptions: 2
                    )
                    let canaries = try await store.canaryQueries(like: stored).map(\.queryID.rawValue)
                    return
                        "\(taken?.ordinals.sorted { $0.lowerBound < $1.lowerBound } ?? []) \(taken?.except.sorted() ?? []) \(canaries)"
                }
            case 26 where derived < 2:
                derived += 1
                let id = queryIDs[1 + derived]
                var redrive = query(id, "all.redrive-\(derived)", 0)
                (redrive.kind, redrive.originID, redrive.subscription) = (.redrive, one.queryID, sink)
                let child = redrive
                try await pair.expectSame("redrive") { store in
                    let now = try #require(await store.run(run))
                    let letters = try await store.deadLetters(of: run, DeadLetterFilter(subscription: sink)).map(
                        \.ordinal
                    )
                    guard !letters.isEmpty else { return "" }
                    try await store.create(
                        [DerivedQuery(query: child, staged: staged, origins: letters)],
                        of: now,
                        noting: "redrive",
                        "\(letters.count)"
                    )
                    let count = Int64(letters.count)
                    _ = try await store.freeze(
                        BucketPlan(unchecked: [Bucket(number: 1, firstOrdinal: 1, endOrdinal: count + 1)]),
                        for: id
                    )
                    let checkpoint = BatchCheckpoint(
                        runID: run,
                        queryID: id,
                        bucket: 1,
                        executionID: "r\(id)",
                        firstOrdinal: 1,
                        nextOrdinal: 1 + count / 2,
                        skipped: 0,
                        isLast: false,
                        redeliveries: 0
                    )
                    _ = try await store.record(checkpoint, of: child)
                    return "\(try await store.underWay(of: one.queryID, to: sink).sorted())"
                }
            case 27:
                try await pair.expectSame("unexpected") { store in
                    "\(try await store.unexpected(of: one, at: sink).sorted())"
                }
            case 28:
                try await pair.expectSame("finish") { store in
                    let ended = try await store.finish(run, pass: nil, state: .incomplete, error: "one bucket failed")
                    try await store.markRunning(run, pass: 2)
                    #expect(try await !store.finish(run, pass: 1, state: .cancelled, error: "late") && ended)
                    return try text(await store.queries(of: run)) + "\(try await store.hookSQL(of: run))"
                }
            default:
                try await pair.expectSame("failed query") {
                    try await $0.markFailed(two.queryID, error: "no"); return ""
                }
            }
        }
        let successor = query(QueryID(rawValue: "new"), "all", 0)
        let standings = Standings(
            own: (1...4).flatMap { number in
                sinks.map {
                    SinkStanding(bucket: number, subscription: $0, next: Int64(number - 1) * 250 + pick(1...250))
                }
            },
            derived: [(queryIDs[2], SinkStanding(bucket: 1, subscription: sinks[0], next: 2))]
        )
        try await pair.expectSame("amend") { store in
            let old = try #require(await store.query(one.queryID))
            try await store.amend(
                try #require(await store.run(run)),
                spec,
                [
                    .rewrite(rest.queryID, as: QueryID(rawValue: "new-rest"), sql: "SELECT 2 AS id"),
                    .supersede(old, by: successor, standings: standings),
                ],
                subscriptions: 2,
                by: "anna"
            )
            let lagging = try await store.lagging(sinks[0], of: old)
            return "\(lagging?.ordinals.sorted { $0.lowerBound < $1.lowerBound } ?? [])"
        }
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
