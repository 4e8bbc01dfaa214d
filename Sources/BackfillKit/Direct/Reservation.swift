import SQLConnectors

/// What of a bucket that is read directly may have reached a sink: ranges of keys, each with the ordinals that its records were given.
///
/// A table changes while it is read, so the ordinals that sinks' ledgers count by cannot be found again by counting. Therefore a reservation
/// is on the disk before the first of its records is published, and covers everything from the checkpoint to the furthest ledger, whenever
/// the process or the machine stops. Whoever carries the bucket on reads the same ranges again; where their keys are the same, the ordinals
/// are the same, and the ledgers trim what comes twice.
struct Reservation: Codable, Hashable, Sendable {
    /// Records that were read together: those between the last key of the part before it and its own last key.
    struct Part: Codable, Hashable, Sendable {
        var firstOrdinal: Int64
        /// Exclusive.
        var endOrdinal: Int64
        var lastKey: RecordKey
        /// ``RecordBatch/keyChecksum`` in hexadecimal.
        var checksum: String
        /// Ordinals of the bucket below this part that no record has.
        var skipped: Int64

        /// The part that a batch is.
        init(_ records: RecordBatch, skipped: Int64) throws {
            firstOrdinal = records.firstOrdinal
            endOrdinal = records.endOrdinal
            lastKey = try records.exactKey(at: records.count - 1)
            checksum = String(records.keyChecksum, radix: 16)
            self.skipped = skipped
        }

        var count: Int { Int(endOrdinal - firstOrdinal) }

        /// Whether a batch holds just the keys that the part held.
        func isSame(as records: RecordBatch) -> Bool {
            records.count == count && String(records.keyChecksum, radix: 16) == checksum
        }
    }

    /// The key behind which the first part begins; nil at the bucket's beginning.
    var after: RecordKey?
    /// In the order of keys and of ordinals; there may be gaps between ordinals, never between keys.
    var parts: [Part]
    /// A person has said that parts whose keys have changed may be published again, whatever the sinks have taken of them.
    var mayRepeat = false

    /// The key behind which a part begins.
    func start(of part: Int) -> RecordKey? { part == 0 ? after : parts[part - 1].lastKey }
}

/// How far a sink is in a bucket.
struct DirectStanding: Hashable, Sendable {
    /// The subscription.
    var name: String
    /// The first ordinal that it has not taken.
    var next: Int64
    /// Whether a record that comes again, with another ordinal, does no harm.
    var takesTwice: Bool
}

/// How a bucket is carried on whose last process ended, or never began.
///
/// Two steps, for the source is asked in between: which parts some sink has begun (``parts``), and, once it is known how many of them hold
/// the same keys as before, where reading goes on (``place(matching:first:)``).
struct Continuation: Sendable {
    let reservation: Reservation
    let standings: [DirectStanding]
    private let range: KeyRange
    private let run: RunID
    /// The ordinal to which every sink has come, and that to which one of them has.
    private let least: Int64
    private let most: Int64

    /// - Parameters:
    ///   - settled: the checkpoint: below it every sink has settled everything, whatever its ledger says.
    ///   - standings: one for each sink.
    ///   - range: the bucket's.
    init(
        _ reservation: Reservation,
        settled: Int64,
        standings: [DirectStanding],
        in range: KeyRange = KeyRange(),
        of run: RunID
    ) {
        self.range = range
        self.reservation = reservation
        self.run = run
        self.standings = standings.map {
            DirectStanding(name: $0.name, next: max($0.next, settled), takesTwice: $0.takesTwice)
        }
        least = self.standings.map(\.next).min() ?? settled
        most = self.standings.map(\.next).max() ?? settled
    }

    /// The parts that some sink has taken something of and another one, or the same, has not settled: those have to be read again as they
    /// were. What no sink has begun may be read as it is now.
    var parts: Range<Int> {
        let first = reservation.parts.firstIndex { $0.endOrdinal > least } ?? reservation.parts.count
        let end = reservation.parts.firstIndex { $0.firstOrdinal >= most } ?? reservation.parts.count
        return first..<max(first, end)
    }

    /// Where reading goes on behind parts that are as they were.
    struct Place: Hashable, Sendable {
        /// The key behind which it goes on; nil at the bucket's beginning.
        var after: RecordKey?
        /// The next record's ordinal.
        var ordinal: Int64
        /// Ordinals of the bucket below it that no record has.
        var skipped: Int64
        /// Ordinals that records had which come again under others.
        var given: Range<Int64>?
    }

    /// - Parameters:
    ///   - matching: how many of ``parts``, from the first, hold the keys that they held.
    ///   - first: the bucket's first ordinal.
    /// - Throws: ``SourceChanged`` when a sink that must not take anything twice has taken a part of what is different now.
    func place(matching: Int, first: Int64) throws(SourceChanged) -> Place {
        let kept = parts.lowerBound + matching
        let (last, lost) = (reservation.parts.last, reservation.parts.dropFirst(kept).first)
        let reached = lost?.firstOrdinal ?? last?.endOrdinal ?? first
        let skipped = lost?.skipped ?? last?.skipped ?? 0
        let after = reservation.start(of: kept)
        // Nothing behind the kept parts has been begun: the numbers go on where they were.
        guard most > reached else { return Place(after: after, ordinal: reached, skipped: skipped) }
        let begun = standings.filter { $0.next > reached }
        let strict = begun.filter { !$0.takesTwice }
        if !reservation.mayRepeat, let furthest = strict.map(\.next).max() {
            let upTo = reservation.parts.last { $0.firstOrdinal < furthest }?.lastKey
            throw SourceChanged(
                run: run,
                sinks: strict.map(\.name),
                taken: furthest - reached,
                keys: KeyRange(from: range.behind(after).start, before: range.before),
                upTo: furthest > (reservation.parts.last?.endOrdinal ?? reached) ? nil : upTo
            )
        }
        // New numbers, above all that any ledger has seen, so that no sink trims a record.
        return Place(after: after, ordinal: most, skipped: skipped + most - reached, given: reached..<most)
    }
}

/// The source no longer holds the keys that it held where a batch was broken off, and a sink must not take anything twice.
struct SourceChanged: Error, CustomStringConvertible, Hashable {
    var run: RunID
    /// Those that have taken a part of the range.
    var sinks: [String]
    /// How many records of it, the one that has taken most.
    var taken: Int64
    /// Where the range begins, and where the bucket ends.
    var keys: KeyRange
    /// The last key of the range; nil when not even that is known, and it is all that is left of the bucket.
    var upTo: RecordKey?

    /// By which a bucket's failure is recognized.
    static let beginning = "The source changed where a batch was broken off"

    var description: String {
        let from =
            switch keys.start {
            case .beginning: "from the smallest one on"
            case .at(let key): "from \(key) on"
            case .after(let key): "behind \(key)"
            }
        let end = upTo.map { ", up to \($0)" } ?? keys.before.map { ", before \($0)" } ?? ""
        let place = "keys \(from)\(end)"
        return """
            \(Self.beginning): \(sinks.joined(separator: " and ")) took \(taken) records with \(place); there are others there \
            now, so nothing tells which are still to come. Nothing was doubled or lost. Delete from there what has \(place); then publish \
            that range again with: backfill resume \(run) --repeat-changed (without deleting, those records may be there twice).
            """
    }
}

/// Two processes have read the same bucket: one of them was taken for dead and was not. Whoever comes second begins again with what the first
/// has reserved.
struct ReservationTaken: Error, CustomStringConvertible {
    var bucket: Int

    var description: String { "Another worker has gone on with bucket \(bucket); this one begins behind it." }
}
