import Foundation
import SQLConnectors
import TestSupport
import Testing

@testable import BackfillKit

@Suite(
    "A bucket that is read directly brings each record once, whatever ends the process and however the source changes"
)
struct DirectBucketTests {
    @Test(
        "Random ends, changes, batch sizes and sinks: no key twice where that does harm, none lost, or the run says that it cannot tell",
        arguments: 0..<12
    )
    func random(block: Int) async throws {
        for seed in UInt64(block * 40)..<UInt64(block * 40 + 40) {
            let bucket = try SimulatedBucket(seed: seed)
            try await bucket.work()
            bucket.expectEverything()
        }
    }

    @Test(
        "A source that stays as it is never stops a run, not even when a power cut takes checkpoints back",
        arguments: 0..<4
    )
    func unchanged(block: Int) async throws {
        for seed in UInt64(block * 40)..<UInt64(block * 40 + 40) {
            let bucket = try SimulatedBucket(seed: seed, changes: false)
            try await bucket.work()
            #expect(bucket.refusals == 0, "seed \(seed)")
            bucket.expectEverything()
            for sink in bucket.sinks { #expect(sink.keys == bucket.always.sorted(), "seed \(seed)") }
        }
    }

    @Test("What is refused for a change names the sink, the keys and what to type")
    func refusal() throws {
        func key(_ number: Int64) throws -> RecordKey { try #require(RecordKey(.integer(number))) }
        var reservation = Reservation(after: try key(10), parts: [])
        for (first, last): (Int64, Int64) in [(100, 20), (110, 30)] {
            var builder = RecordBatchBuilder(
                schema: RecordSchema(columns: [Column(name: "id")], keyIndex: 0),
                firstOrdinal: first
            )
            for id in last - 9...last {
                builder.append(.integer(id))
                builder.endRecord()
            }
            reservation.parts.append(try Reservation.Part(builder.finish(), skipped: 0))
        }
        func continuation(_ standings: (String, Int64, Bool)...) -> Continuation {
            Continuation(
                reservation,
                settled: 100,
                standings: standings.map { DirectStanding(name: $0.0, next: $0.1, takesTwice: $0.2) },
                of: RunID(rawValue: "people-1")
            )
        }
        // Half of the first part.
        let half = continuation(("table t", 105, false))
        #expect(half.parts == 0..<1)
        #expect(try half.place(matching: 1, first: 1).ordinal == 110)
        let refused = #expect(throws: SourceChanged.self) { try half.place(matching: 0, first: 1) }
        let text = try #require(refused).description
        #expect(text.contains("table t took 5 records with keys behind 10, up to 20;"))
        #expect(text.contains("backfill resume people-1 --repeat-changed"))
        // All of it, or none: nothing has to be as it was.
        #expect(continuation(("table t", 110, false)).parts.isEmpty)
        #expect(try continuation(("table t", 110, false)).place(matching: 0, first: 1).after == key(20))
        #expect(continuation(("table t", 100, false)).parts.isEmpty)
        // One that takes twice is given new ordinals, above all that were taken.
        let place = try continuation(("table t", 105, true), ("http", 100, true)).place(matching: 0, first: 1)
        #expect(place.ordinal == 105 && place.skipped == 5 && place.given == 100..<105)
        #expect(place.after == reservation.after)
        // A ledger beyond all that was reserved: the state folder is an older copy.
        let beyond = continuation(("table t", 150, false))
        #expect(throws: SourceChanged.self) { try beyond.place(matching: 0, first: 1) }
        #expect(try continuation(("table t", 150, true)).place(matching: 0, first: 1).ordinal == 150)
    }
}

/// A bucket of a real SQLite source, sinks with ledgers, and a disk that keeps what was synced, carried through random ends of its process.
private final class SimulatedBucket {
    /// A table that is appended to, or one that is updated by the key.
    final class SimulatedSink {
        let takesTwice: Bool
        private(set) var keys: [Int64] = []
        private(set) var next: Int64 = 0

        init(takesTwice: Bool) { self.takesTwice = takesTwice }

        /// Takes what its ledger has not seen, up to a position; data and ledger move together.
        func write(_ records: RecordBatch, upTo end: Int) {
            let start = min(max(0, Int(next - records.firstOrdinal)), records.count)
            guard start < end else { return }
            for position in start..<end {
                let key = Int64(records.key(at: position)) ?? 0
                if takesTwice, keys.contains(key) { continue }
                keys.append(key)
            }
            next = records.firstOrdinal + Int64(end)
        }

        /// What a person does who is told so.
        func delete(behind after: Int64, upTo last: Int64) { keys.removeAll { $0 > after && $0 <= last } }
    }

    private struct Killed: Error {}

    let sinks: [SimulatedSink]
    /// Keys that were there from the beginning to the end.
    private(set) var always: Set<Int64>
    private(set) var refusals = 0

    private let seed: UInt64
    private let changes: Bool
    private var random: SplitMix64
    private let folder: ScratchFolder
    private let source: SQLiteSource
    private let table: SQLiteConnection
    private var stored: StoredBucket
    private var cursor: Int64?
    private var deletedByHand: Set<Int64> = []
    private var ends = 0

    init(seed: UInt64, changes: Bool = true) throws {
        self.seed = seed
        self.changes = changes
        random = SplitMix64(seed: seed)
        folder = try ScratchFolder()
        source = SQLiteSource(folder.file("source.sqlite"))
        table = try SQLiteConnection(uri: SQLiteConnection.uri(folder.file("source.sqlite").path, mode: "rwc"))
        try table.execute(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; CREATE TABLE t (id INTEGER PRIMARY KEY)"
        )
        always = Set((0..<Int64.random(in: 0...120, using: &random)).map { $0 * 10 })
        let values = always.map { "(\($0))" }.joined(separator: ",")
        if !values.isEmpty { try table.execute("INSERT INTO t VALUES \(values)") }
        let kinds = [[false], [true], [false, true], [false, false], [true, true], [true, false, true]]
        sinks = kinds[Int.random(in: kinds.indices, using: &random)].map { SimulatedSink(takesTwice: $0) }
        let first = BucketPlan.ordinalsPerBucket + 1
        stored = StoredBucket(
            queryID: QueryID(rawValue: "q"),
            number: 1,
            firstOrdinal: first,
            endOrdinal: first + Int64(always.count),
            keyRange: KeyRange(),
            state: .pending,
            nextOrdinal: first,
            skipped: 0,
            deadLettered: 0
        )
    }

    /// Processes, one after the other, until one has come to the end of the bucket.
    func work() async throws {
        while true {
            do {
                try await process()
                return
            } catch is Killed {
                ends += 1
                try change()
                // A power cut: checkpoints and histories that were not synced are gone, each for itself. Reservations were.
                if let reservation = stored.reservation, Int.random(in: 0..<3, using: &random) == 0 {
                    let oldest = max(stored.firstOrdinal, reservation.parts.first?.firstOrdinal ?? 0)
                    if oldest < stored.nextOrdinal {
                        stored.nextOrdinal = oldest
                        stored.skipped = reservation.parts.first?.skipped ?? 0
                        stored.state = .running
                    }
                    if Bool.random(using: &random) { cursor = nil }
                }
            } catch let refused as SourceChanged {
                refusals += 1
                try #require(refusals < 100)
                try mend(refused)
            }
        }
    }

    /// A person deletes what is named, and says that it may come again.
    private func mend(_ refused: SourceChanged) throws {
        #expect(changes && sinks.contains { !$0.takesTwice }, "seed \(seed): \(refused)")
        let after = refused.keys.start.key.flatMap { Int64($0.description) } ?? .min
        let last = refused.upTo.flatMap { Int64($0.description) } ?? .max
        for sink in sinks where !sink.takesTwice { sink.delete(behind: after, upTo: last) }
        stored.reservation?.mayRepeat = true
    }

    /// Somebody inserts and deletes anywhere.
    private func change() throws {
        guard changes, Bool.random(using: &random) else { return }
        // Mostly where it matters: among the records that are on their way.
        let part = stored.reservation?.parts.randomElement(using: &random)
        let near = Int64(part?.lastKey.description ?? "") ?? 600
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            let place =
                Int.random(in: 0..<4, using: &random) > 0
                ? near + Int64.random(in: -60...60, using: &random) : Int64.random(in: -10...1300, using: &random)
            let key = Bool.random(using: &random) ? place / 10 * 10 : place
            if key % 10 == 0 {
                try table.execute("DELETE FROM t WHERE id = \(key)")
                always.remove(key)
            } else {
                try table.execute("INSERT OR IGNORE INTO t VALUES (\(key))")
            }
        }
    }

    private func dieMaybe(_ oneIn: Int) throws {
        // In the end one has to come through.
        if ends < 60, Int.random(in: 0..<oneIn, using: &random) == 0 { throw Killed() }
    }

    private func process() async throws {
        let state = stored
        let query = SourceQuery(name: "q", sql: "SELECT id FROM t", origin: "q.sql", key: "id")
        let disk = Disk()
        let standings = zip(sinks.indices, sinks).map {
            DirectStanding(name: "sink \($0)", next: $1.next, takesTwice: $1.takesTwice)
        }
        let (source, isDoomed) = (source, ends < 60 && Int.random(in: 0..<8, using: &random) == 0)
        let reader = DirectBucketReader(
            bucket: state,
            access: DirectAccess(
                run: RunID(rawValue: "r"),
                read: { try source.read(query, $0) },
                reserve: { reservation, _ in
                    if isDoomed { throw Killed() }
                    await disk.keep(reservation)
                },
                forget: { _ in },
                standings: { standings }
            ),
            bytesAhead: Int.random(in: 1...400, using: &random)
        )
        defer { stored.state = .running }
        while true {
            try dieMaybe(30)
            if Int.random(in: 0..<6, using: &random) == 0 { try change() }
            let position = cursor ?? state.nextOrdinal
            let limit = BatchLimit(records: Int.random(in: 1...9, using: &random), bytes: .max)
            let batch: RecordBatch?
            do {
                batch = try await reader.batch(from: position, limit: limit)
            } catch {
                try await take(disk)
                throw error
            }
            guard let batch else {
                stored.nextOrdinal = max(position, await reader.end ?? 0, stored.nextOrdinal)
                stored.skipped = await reader.skipped(at: stored.nextOrdinal)
                return
            }
            // As far as flow control lets it.
            let records = batch.slice(0..<Int.random(in: 1...batch.count, using: &random))
            let skipped = await reader.skipped(at: records.firstOrdinal)
            // From here on the process may end with any of the reservations that it has made since.
            try await take(disk)
            let reservation = try #require(stored.reservation)
            #expect(
                reservation.parts.contains {
                    $0.firstOrdinal <= records.firstOrdinal && records.endOrdinal <= $0.endOrdinal
                },
                "seed \(seed): nothing is published that is not reserved"
            )
            for sink in sinks {
                try dieMaybe(25)
                if ends < 60, Int.random(in: 0..<25, using: &random) == 0 {
                    sink.write(records, upTo: Int.random(in: 0...records.count, using: &random))
                    throw Killed()
                }
                sink.write(records, upTo: records.count)
            }
            try dieMaybe(25)
            stored.nextOrdinal = records.endOrdinal
            stored.skipped = skipped
            try dieMaybe(25)
            cursor = records.endOrdinal
        }
    }

    /// What the process has put on the disk.
    private func take(_ disk: Disk) async throws {
        guard let reservation = await disk.reservation else { return }
        stored.reservation = try JSONDecoder().decode(Reservation.self, from: JSONEncoder().encode(reservation))
    }

    private actor Disk {
        var reservation: Reservation?
        func keep(_ reservation: Reservation) { self.reservation = reservation }
    }

    /// Whatever was there all the time is there once.
    func expectEverything() {
        for sink in sinks {
            let count = Set(sink.keys).count
            #expect(count == sink.keys.count, "seed \(seed): a key is there twice: \(sink.keys)")
            #expect(always.isSubset(of: sink.keys), "seed \(seed): \(always.subtracting(sink.keys).sorted()) are lost")
        }
        let published = Int(stored.nextOrdinal - stored.firstOrdinal - stored.skipped)
        if refusals == 0, let strict = sinks.first(where: { !$0.takesTwice }), sinks.count == 1 {
            #expect(published == strict.keys.count, "seed \(seed)")
        }
    }
}
