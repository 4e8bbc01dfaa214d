import Foundation
import GRDB
import WorkflowEngine
import Workflows

import BackfillKit
import SQLConnectors

/// What lies on the disk between two lives, compared with what has to lie there.
struct Inspection {
    let world: World
    /// What does not hold, in words.
    private(set) var violations: [String] = []
    /// How many executions handed over to a next one.
    private(set) var handOvers = 0
    private(set) var state: RunState?
    private(set) var letters: [StoredDeadLetter] = []

    private var runID: RunID?
    private var isCancelled = false
    private var queries: [QueryID: StoredQuery] = [:]
    private var buckets: [Standing] = []
    /// The ids of each query's records, by ordinal.
    private var ids: [QueryID: [Int]] = [:]

    private var scenario: Scenario { world.scenario }

    /// A bucket as the run store has it.
    private struct Standing {
        var query: QueryID
        var number: Int
        var first: Int
        var next: Int
        var end: Int
        var deadLettered: Int

        var key: String { "\(query)/\(number)" }
    }

    /// Inspects a world in which no process is at work.
    static func inspect(_ world: World) async throws -> Inspection {
        var inspection = Inspection(world: world)
        try inspection.readStore()
        // Whoever has read that it is complete may delete the source.
        let isComplete = inspection.state == .complete
        inspection.checkFigures()
        try await inspection.checkHistories()
        for (table, database) in [
            ("customers", world.upsertDatabase), (world.scenario.appendTable, world.appendDatabase),
        ] {
            try inspection.checkTable(table, in: database, isComplete: isComplete)
        }
        if world.scenario.hasFile { try inspection.checkFile(isComplete: isComplete) }
        inspection.checkWitness()
        if isComplete {
            try inspection.checkEnd()
            // They come from the same rows, and take longer to read than all that is above.
            if world.scenario.seed % 4 == 0 { try await inspection.checkStatistics() }
        }
        return inspection
    }

    private init(world: World) { self.world = world }

    private mutating func expect(_ holds: Bool, _ violation: @autoclosure () -> String) {
        if !holds { violations.append(violation()) }
    }

    // MARK: What is there

    private mutating func readStore() throws {
        let (run, queries, buckets, letters) = try world.read { db in
            (
                try Row.fetchOne(db.cachedStatement(sql: "SELECT run_id, state, control FROM run")),
                try StoredQuery.fetchAll(db.cachedStatement(sql: "SELECT * FROM query")),
                try Row.fetchAll(
                    db.cachedStatement(
                        sql: """
                            SELECT query_id, number, first_ordinal, next_ordinal, end_ordinal, dead_lettered FROM bucket
                            ORDER BY query_id, number
                            """
                    )
                ),
                try StoredDeadLetter.fetchAll(
                    db.cachedStatement(sql: "SELECT * FROM dead_letter ORDER BY query_id, ordinal")
                )
            )
        }
        guard let run else { return }
        runID = run[0]
        state = run[1]
        isCancelled = (run[2] as String).contains("cancelled")
        self.letters = letters
        self.queries = Dictionary(uniqueKeysWithValues: queries.map { ($0.queryID, $0) })
        self.buckets = buckets.map {
            Standing(query: $0[0], number: $0[1], first: $0[2], next: $0[3], end: $0[4], deadLettered: $0[5])
        }
        for query in queries { ids[query.queryID] = try ids(of: query) }
    }

    /// A query of the spec has the ids that its SQL names; what was derived from it is read from its staged result.
    private func ids(of query: StoredQuery) throws -> [Int] {
        let name = String(query.name.prefix { $0 != "." })
        if query.kind == .query || query.kind == .superseded, query.subscription == nil, query.skips == nil {
            return scenario.idsByQuery[name] ?? []
        }
        guard let staged = query.staged else { return [] }
        let connection = try World.connection(staged.location(in: world.state.results))
        let statement = try connection.prepare("SELECT id FROM records ORDER BY _ordinal")
        var found: [Int] = []
        while try statement.step() { found.append(Int(statement.integer(0))) }
        return found
    }

    private func ids(of bucket: Standing, _ ordinals: Range<Int>) -> ArraySlice<Int> {
        (ids[bucket.query] ?? [])[ordinals.lowerBound - 1..<ordinals.upperBound - 1]
    }

    private func hasLetter(_ id: Int, of subscription: String) -> Bool {
        letters.contains { $0.recordID == "\(id)" && $0.subscription == subscription }
    }

    // MARK: Figures

    private mutating func checkFigures() {
        let refusing = world.subscription(scenario.appendTable, world.appendDatabase)
        for letter in letters {
            expect(
                Int(letter.recordID).map(scenario.poisoned.contains) == true && letter.subscription == refusing,
                "record \(letter.recordID) is a dead letter of \(letter.subscription)"
            )
        }
        expect(
            Set(letters.map { "\($0.queryID)/\($0.recordID)" }).count == letters.count,
            "a record has two dead letters"
        )
        guard scenario.mending == .none else { return }
        for bucket in buckets {
            let dead = ids(of: bucket, bucket.first..<bucket.next).count(where: scenario.poisoned.contains)
            expect(
                bucket.deadLettered == dead,
                "bucket \(bucket.key) counts \(bucket.deadLettered) dead letters instead of \(dead)"
            )
        }
    }

    private mutating func checkHistories() async throws {
        let store: any HistoryStore
        switch world.histories {
        case .memory(let memory): store = memory
        case .file(let file):
            guard FileManager.default.fileExists(atPath: file.path) else { return }
            // After a power cut it may have lost even its tables; whoever opens it makes them anew.
            store = try SQLiteHistoryStore(file: file)
        }
        for execution in try await store.executions(ExecutionFilter()) {
            if execution.previousExecutionID != nil { handOvers += 1 }
            let events = try await store.history(of: execution.executionID).count
            expect(events <= Scenario.historyLimit, "the history of \(execution.executionID) has \(events) events")
            expect(
                events == execution.historyLength,
                "execution \(execution.executionID) counts \(execution.historyLength) events and has \(events)"
            )
        }
    }

    // MARK: Targets

    /// What a sink holds is what its ledger says, no record twice and each bucket's in order; the checkpoint is not ahead of it.
    ///
    /// - Parameters:
    ///   - rows: the ids in the order in which they came.
    ///   - ledger: the next ordinal that the sink has not taken, by bucket; nil when it has taken all.
    private mutating func check(_ sink: String, rows: [Int], ledger: [String: Int]?) {
        var places: [Int: Int] = [:]
        for (place, id) in rows.enumerated() {
            expect(places[id] == nil, "\(sink) holds record \(id) twice")
            places[id] = place
        }
        var accounted: Set<Int> = []
        var passed: [(id: Int, violation: String)] = []
        for bucket in buckets {
            guard let query = queries[bucket.query], query.reaches(sink) else { continue }
            // A bucket that was sealed before its first record has an entry of 0.
            let next = ledger.map { max(bucket.first, $0[bucket.key] ?? 0) } ?? bucket.end
            var last = -1
            for id in ids(of: bucket, bucket.first..<min(next, bucket.end)) {
                accounted.insert(id)
                guard let place = places[id] else {
                    expect(
                        hasLetter(id, of: sink),
                        "\(sink) lost record \(id) of bucket \(bucket.key), whose ledger says \(next)"
                    )
                    continue
                }
                // What a redrive or mended SQL brought comes in an order of its own.
                if query.kind == .query, query.skips == nil, !world.isTargetMended {
                    expect(place > last, "\(sink) holds record \(id) of bucket \(bucket.key) before an earlier one")
                }
                last = place
            }
            guard next < bucket.next, query.kind != .superseded else { continue }
            let violation =
                "bucket \(bucket.key): the checkpoint \(bucket.next) is ahead of \(sink), whose ledger says \(next)"
            passed += ids(of: bucket, next..<bucket.next).map { ($0, violation) }
        }
        // What was refused last in its bucket has a dead letter, or came with a redrive.
        for (id, violation) in passed { expect(hasLetter(id, of: sink) || accounted.contains(id), violation) }
        let unknown = rows.filter { !accounted.contains($0) }
        expect(unknown.isEmpty, "\(sink) holds records that its ledger does not count: \(unknown.prefix(5))")
    }

    private mutating func checkTable(_ table: String, in database: URL, isComplete: Bool) throws {
        guard let runID, FileManager.default.fileExists(atPath: database.path) else { return }
        let connection = try World.connection(database)
        let sink = world.subscription(table, database)
        guard let ledger = try LedgerReader(table, on: connection).ledger(of: runID) else {
            return expect(buckets.allSatisfy { $0.next == $0.first }, "\(sink) has no ledger")
        }
        let rows = try connection.prepare("SELECT id, name, score = id / 4.0 FROM \(table) ORDER BY rowid")
        var found: [Int] = []
        while try rows.step() {
            let id = Int(rows.integer(0))
            expect(
                rows.integer(2) == 1 && rows.text(1).map(scenario.names(of: id).contains) == true,
                "\(sink): record \(id) is \(rows.text(1) ?? "NULL")"
            )
            found.append(id)
        }
        // Records of a table with a primary key lie in the order of their keys, not of their coming.
        check(sink, rows: found, ledger: ledger)
        if isComplete { checkAllArrived(in: Set(found), of: sink) }
    }

    /// The file, or the part of it that its ledger counts.
    private mutating func checkFile(isComplete: Bool) throws {
        let (target, sink) = (FileTarget(file: world.file, format: .ndjson), "file out.ndjson")
        if FileManager.default.fileExists(atPath: target.file.path) {
            let rows = try readLines(try Data(contentsOf: target.file))
            check(sink, rows: rows, ledger: nil)
            if isComplete { checkAllArrived(in: Set(rows), of: sink) }
            return
        }
        // A cancelled run removes what nobody will finish.
        if isCancelled { return }
        expect(!isComplete, "there is no \(target.file.lastPathComponent)")
        guard FileManager.default.fileExists(atPath: target.ledger.path) else {
            return expect(buckets.allSatisfy { $0.next == $0.first }, "the file's ledger is gone")
        }
        let connection = try World.connection(target.ledger)
        var (ledger, committed): ([String: Int], Int) = ([:], 0)
        if try connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'ledger'").step() {
            let entries = try connection.prepare("SELECT bucket, next_ordinal FROM ledger")
            while try entries.step() { ledger[entries.text(0) ?? ""] = Int(entries.integer(1)) }
            let length = try connection.prepare("SELECT committed_bytes FROM file")
            if try length.step() { committed = Int(length.integer(0)) }
        }
        let data = (try? Data(contentsOf: target.partial)) ?? Data()
        expect(data.count >= committed, "the file has \(data.count) bytes, its ledger counts \(committed)")
        check(sink, rows: try readLines(data.prefix(committed)), ledger: ledger)
    }

    private mutating func readLines(_ data: Data) throws -> [Int] {
        expect(data.isEmpty || data.last == UInt8(ascii: "\n"), "the file ends within a line")
        return data.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let text = String(decoding: line, as: UTF8.self)
            let id = Int(text.dropFirst(#"{"id":"#.count).prefix { $0 != "," })
            let isRight = id.map { id in
                scenario.names(of: id).contains { text.hasPrefix(#"{"id":\#(id),"name":"\#($0)","score":\#(id / 4)"#) }
            }
            expect(isRight == true, "the file has the line \(text)")
            return id
        }
    }

    /// Every id is there or an open dead letter, and never both.
    private mutating func checkAllArrived(in found: Set<Int>, of sink: String) {
        let open = Set(
            letters.filter { $0.subscription == sink && $0.discardedAt == nil }.compactMap { Int($0.recordID) }
        )
        let all = Set(scenario.ids)
        expect(found.isSubset(of: all), "\(sink) holds records that are in no query: \(found.subtracting(all))")
        expect(found.isDisjoint(with: open), "\(sink) holds records that are dead letters: \(found.intersection(open))")
        let lost = all.subtracting(found).subtracting(open).sorted()
        expect(lost.isEmpty, "\(sink) lacks the records \(lost.prefix(5)), and they are no dead letters")
    }

    /// A subscriber without a ledger has seen every record behind which the checkpoint has passed, at least once.
    private mutating func checkWitness() {
        guard let witness = world.witness else { return }
        violations += witness.violations
        // A batch beyond a topic's watermark passes alone.
        let bound = scenario.idsByQuery.count * max(scenario.executors * scenario.batch, world.mostRecordsOfBatch)
        expect(
            witness.mostInFlight <= bound,
            "\(witness.mostInFlight) messages were in flight to the subscriber, and at most \(bound) may be"
        )
        let taken = witness.taken
        for bucket in buckets {
            guard let query = queries[bucket.query], query.reaches(Witness.name) else { continue }
            for id in ids(of: bucket, bucket.first..<bucket.next) where taken["\(id)"] == nil {
                expect(
                    false,
                    "bucket \(bucket.key): the checkpoint passed record \(id), and the subscriber never took it"
                )
            }
        }
    }

    // MARK: The end

    private mutating func checkEnd() throws {
        let (records, open, dead) = (scenario.ids.count, open, dead)
        expect(queries.values.allSatisfy { $0.state == .complete }, "not every query is complete")
        expect(open == dead, "there are \(open) dead letters instead of \(dead)")
        expect(
            buckets.allSatisfy { $0.next == $0.end || queries[$0.query]?.kind == .superseded },
            "a bucket is not through"
        )
        let settled = buckets.filter { queries[$0.query]?.kind == .query }.reduce(0) { $0 + $1.next - $1.first }
        expect(
            settled == records || scenario.mending == .amendment,
            "\(settled) records are settled instead of \(records)"
        )
        let names = try FileManager.default.contentsOfDirectory(atPath: world.folder.path)
            .filter { $0.hasPrefix("out.ndjson") }
        expect(names == (scenario.hasFile ? ["out.ndjson"] : []), "beside the file lies \(names)")
    }

    private var open: Int { letters.count { $0.discardedAt == nil } }
    private var dead: Int { scenario.mending == .none ? scenario.poisoned.count : open }

    /// What `stats` says.
    private mutating func checkStatistics() async throws {
        guard let runID else { return }
        let reader = ProgressReader(RunStore(on: world.store, isAlone: true))
        guard let run = try await reader.runs(runID).first else { return expect(false, "there is no progress") }
        let (records, dead) = (scenario.ids.count, dead)
        expect(run.published == records - dead, "stats count \(run.published) published instead of \(records - dead)")
        expect(run.deadLettered == dead, "stats count \(run.deadLettered) dead letters instead of \(dead)")
        expect(run.bucketsFailed == 0, "\(run.bucketsFailed) buckets are failed")
        if scenario.mending != .amendment {
            expect(run.records == Int64(records), "stats count \(run.records ?? -1) records")
            expect(run.perCent == 100, "stats say \(run.perCent ?? -1) per cent")
        }
        for chain in Dictionary(grouping: try await reader.executors(of: runID), by: { "\($0.queryID)/\($0.bucket)" }) {
            guard let bucket = buckets.first(where: { $0.key == chain.key }) else { continue }
            let settled = chain.value.reduce(0) { $0 + $1.settled }
            expect(
                settled == bucket.next - bucket.first || queries[bucket.query]?.kind == .superseded,
                "bucket \(chain.key): its executors settled \(settled)"
            )
        }
    }
}
