import Foundation
import GRDB
import SQLConnectors

@testable import BackfillKit

/// What lies on the disk between two lives, compared with what has to lie there.
struct Inspection {
    let scenario: Scenario
    /// What does not hold, in words.
    private(set) var violations: [String] = []
    /// How many executions handed over to a next one.
    private(set) var handOvers = 0

    private(set) var run: RunProgress?
    private var queries: [QueryProgress] = []
    private var buckets: [BucketProgress] = []
    private var executors: [ExecutorProgress] = []
    private(set) var letters: [StoredDeadLetter] = []

    /// Inspects a scenario's folder, in which no process is at work.
    ///
    /// - Parameter isComplete: whether the run has reported that it is complete.
    static func inspect(_ scenario: Scenario, isComplete: Bool) async throws -> Inspection {
        var inspection = Inspection(scenario: scenario)
        try await inspection.readStore(isComplete: isComplete)
        try inspection.checkFigures(isComplete: isComplete)
        try inspection.checkHistories()
        try inspection.checkTable(
            "customers",
            in: scenario.upsertDatabase,
            subscription: inspection.subscription("customers", scenario.upsertDatabase),
            refusing: []
        )
        try inspection.checkTable(
            scenario.appendTable,
            in: scenario.appendDatabase,
            subscription: inspection.subscription(scenario.appendTable, scenario.appendDatabase),
            refusing: scenario.poisoned
        )
        try inspection.checkFile()
        if isComplete { try inspection.checkEnd() }
        return inspection
    }

    /// The dead letters that are kept of a scenario's run.
    static func letters(of scenario: Scenario) async throws -> [StoredDeadLetter] {
        let store = try RunStore(reading: StateFolder(scenario.state).storeFile)
        guard let run = try await store.runs().first else { return [] }
        return try await store.deadLetters(of: run.runID)
    }

    private init(scenario: Scenario) { self.scenario = scenario }

    private mutating func expect(_ holds: Bool, _ violation: @autoclosure () -> String) {
        if !holds { violations.append(violation()) }
    }

    /// Tables of one name in two databases are told apart by their files.
    private func subscription(_ table: String, _ database: URL) -> String {
        scenario.isApart ? "table \(table) in \(database.path)" : "table \(table)"
    }

    private mutating func readStore(isComplete: Bool) async throws {
        let state = StateFolder(scenario.state)
        guard state.exists else { return }
        let store = try RunStore(reading: state.storeFile)
        let reader = ProgressReader(store)
        run = try await reader.runs().first
        guard let run else { return }
        buckets = try await reader.buckets(of: run.runID)
        letters = try await store.deadLetters(of: run.runID)
        guard isComplete else { return }
        queries = try await reader.queries(of: run.runID)
        executors = try await reader.executors(of: run.runID)
    }

    // MARK: Figures

    private func ids(of bucket: BucketProgress, below ordinal: Int64) -> [Int] {
        let ids = scenario.idsByQuery[bucket.query] ?? []
        return Array(ids[Int(bucket.firstOrdinal) - 1..<Int(ordinal) - 1])
    }

    private mutating func checkFigures(isComplete: Bool) throws {
        guard let run else { return }
        for bucket in buckets {
            let settled = ids(of: bucket, below: bucket.nextOrdinal)
            let dead = settled.filter(scenario.poisoned.contains).count
            let name = "bucket \(bucket.query)/\(bucket.bucket)"
            expect(bucket.deadLettered == dead, "\(name) counts \(bucket.deadLettered) dead letters instead of \(dead)")
            expect(
                bucket.published == settled.count - dead,
                "\(name) counts \(bucket.published) published instead of \(settled.count - dead)"
            )
            if isComplete { checkExecutors(of: bucket) }
            for id in settled where scenario.poisoned.contains(id) {
                expect(letters.contains { $0.recordID == "\(id)" }, "\(name) passed record \(id) without a dead letter")
            }
        }
        let published = buckets.reduce(0) { $0 + $1.published }
        expect(run.published == published, "the run counts \(run.published) published, its buckets \(published)")
        let refused = Set(letters.map(\.recordID))
        expect(refused.count == letters.count, "a record has two dead letters")
        let unexpected = refused.subtracting(scenario.poisoned.map(String.init))
        expect(unexpected.isEmpty, "dead letters of good records: \(unexpected.sorted())")
    }

    /// The executions of a bucket's chain share its records between them.
    private mutating func checkExecutors(of bucket: BucketProgress) {
        let chain = executors.filter { $0.queryID == bucket.queryID && $0.bucket == bucket.bucket }
        let (settled, batches) = (chain.reduce(0) { $0 + $1.settled }, chain.reduce(0) { $0 + $1.batches })
        expect(
            settled == bucket.nextOrdinal - bucket.firstOrdinal && batches == bucket.batches,
            "bucket \(bucket.query)/\(bucket.bucket): its executors settled \(settled) in \(batches) batches"
        )
    }

    private mutating func checkHistories() throws {
        let facts = try scenario.histories.facts()
        handOvers = facts.handOvers
        expect(facts.longest <= Scenario.historyLimit, "a history has \(facts.longest) events")
        expect(facts.torn.isEmpty, "histories with gaps: \(facts.torn)")
    }

    // MARK: Targets

    /// A table holds just what its ledger says, and the ledger is not behind the checkpoint.
    private mutating func checkTable(
        _ table: String,
        in database: URL,
        subscription: String,
        refusing refused: Set<Int>
    ) throws {
        guard let run, FileManager.default.fileExists(atPath: database.path) else { return }
        let known: (rows: [Row], ledger: [String: Int64])? = try DatabaseQueue(path: database.path).read { db in
            guard try db.tableExists(table), try db.tableExists("_backfill_ledger") else { return nil }
            let ledger = try Row.fetchAll(
                db,
                sql: "SELECT bucket, next_ordinal FROM _backfill_ledger WHERE run = ? AND table_name = ?",
                arguments: [run.runID, table]
            )
            return (
                try Row.fetchAll(db, sql: "SELECT id, name, score FROM \(table) ORDER BY rowid"),
                Dictionary(uniqueKeysWithValues: ledger.map { ($0[0] as String, $0[1] as Int64) })
            )
        }
        let rows = known?.rows ?? []
        var expected: [Int] = []
        for bucket in buckets {
            let next = known?.ledger["\(bucket.queryID)/\(bucket.bucket)"] ?? bucket.firstOrdinal
            expected += ids(of: bucket, below: next).filter { !refused.contains($0) }
            checkLead(of: next, over: bucket, subscription)
        }
        let ids = rows.map { $0[0] as Int }
        expect(
            ids.sorted() == expected.sorted(),
            "\(subscription) holds \(ids.count) rows, its ledger counts \(expected.count); "
                + "lost: \(Set(expected).subtracting(ids).sorted().prefix(5)), too many: \(Set(ids).subtracting(expected).sorted().prefix(5))"
        )
        for row in rows {
            let id: Int = row[0]
            let name = scenario.name(of: id)
            expect(row[1] == name && row[2] == Double(id) / 4, "\(subscription): record \(id) is \(row)")
        }
    }

    /// The checkpoint follows the ledger; only dead letters let it pass.
    private mutating func checkLead(of next: Int64, over bucket: BucketProgress, _ sink: String) {
        guard next < bucket.nextOrdinal else { return }
        let query = scenario.idsByQuery[bucket.query] ?? []
        let skipped = query[Int(next) - 1..<Int(bucket.nextOrdinal) - 1]
        expect(
            skipped.allSatisfy { id in letters.contains { $0.recordID == "\(id)" && $0.subscription == sink } },
            "bucket \(bucket.query)/\(bucket.bucket): the checkpoint \(bucket.nextOrdinal) is ahead of \(sink), whose ledger says \(next)"
        )
    }

    /// The file, or the part of it that its ledger counts, holds each bucket's records in order.
    private mutating func checkFile() throws {
        let target = FileTarget(file: scenario.file, format: .ndjson)
        if FileManager.default.fileExists(atPath: target.file.path) {
            try checkLines(try Data(contentsOf: target.file), upTo: { $0.endOrdinal })
            return
        }
        guard FileManager.default.fileExists(atPath: target.ledger.path) else {
            return expect(buckets.allSatisfy { $0.nextOrdinal == $0.firstOrdinal }, "the file's ledger is gone")
        }
        let ledger = try FileLedger(at: target.ledger)
        let next = try ledger.nextOrdinals()
        let committed = try ledger.standing()?.committedBytes ?? 0
        try ledger.close()
        for bucket in buckets { checkLead(of: Self.nextOrdinal(of: bucket, next), over: bucket, "file out.ndjson") }
        guard FileManager.default.fileExists(atPath: target.partial.path) else { return }
        let data = try Data(contentsOf: target.partial)
        expect(data.count >= committed, "the file has \(data.count) bytes, its ledger counts \(committed)")
        try checkLines(data.prefix(Int(committed))) { bucket in Self.nextOrdinal(of: bucket, next) }
    }

    private static func nextOrdinal(of bucket: BucketProgress, _ ledger: [LedgerKey: Int64]) -> Int64 {
        ledger[LedgerKey(run: bucket.runID.rawValue, bucket: "\(bucket.queryID)/\(bucket.bucket)")]
            ?? bucket.firstOrdinal
    }

    private mutating func checkLines(_ data: Data, upTo end: (BucketProgress) -> Int64) throws {
        struct Line: Decodable {
            var id: Int
            var name: String
            var score: Double
        }
        expect(data.isEmpty || data.last == UInt8(ascii: "\n"), "the file ends within a line")
        let array =
            "["
            + data.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
            .joined(separator: ",") + "]"
        let lines = try JSONDecoder().decode([Line].self, from: Data(array.utf8))
        for line in lines {
            let name = scenario.name(of: line.id)
            expect(line.name == name && line.score == Double(line.id) / 4, "file: record \(line.id) is \(line)")
        }
        var expectedCount = 0
        for bucket in buckets {
            let expected = ids(of: bucket, below: end(bucket))
            let all = Set(ids(of: bucket, below: bucket.endOrdinal))
            let found = lines.map(\.id).filter(all.contains)
            expect(
                found == expected,
                "bucket \(bucket.query)/\(bucket.bucket) in the file is \(found), and has to be \(expected)"
            )
            expectedCount += expected.count
        }
        expect(lines.count == expectedCount, "the file has \(lines.count) lines instead of \(expectedCount)")
    }

    // MARK: The end

    private mutating func checkEnd() throws {
        guard let run else { return expect(false, "there is no run") }
        let (records, dead, letters) = (scenario.ids.count, scenario.poisoned.count, letters)
        expect(run.state == .complete, "the run is \(run.state): \(run.error ?? "")")
        expect(run.records == Int64(records) && run.extracted == records, "stats count \(run.records ?? -1) records")
        expect(run.published == records - dead, "stats count \(run.published) published instead of \(records - dead)")
        expect(run.deadLettered == dead, "stats count \(run.deadLettered) dead letters instead of \(dead)")
        expect(letters.count == dead, "there are \(letters.count) dead letters instead of \(dead)")
        expect(run.perCent == 100, "stats say \(run.perCent ?? -1) per cent")
        expect(run.bucketsComplete == run.buckets && run.bucketsFailed == 0, "not every bucket is complete")
        expect(queries.allSatisfy { $0.state == .complete }, "not every query is complete")
        let names = try FileManager.default.contentsOfDirectory(atPath: scenario.folder.path)
        expect(
            names.filter { $0.hasPrefix("out.ndjson") } == ["out.ndjson"],
            "beside the file lies \(names.filter { $0.hasPrefix("out.ndjson") })"
        )
    }
}
