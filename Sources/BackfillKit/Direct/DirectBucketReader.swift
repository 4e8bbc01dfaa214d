import SQLConnectors

/// What a reader of a bucket needs of the run around it.
struct DirectAccess: Sendable {
    var run: RunID
    /// Begins to read a range at the source.
    var read: @Sendable (KeyRange) throws -> any DirectReading
    /// Puts a reservation on the disk, in place of the one that this process knows of.
    var reserve: @Sendable (_ next: Reservation, _ known: Reservation?) async throws -> Void
    /// Forgets that records were refused which come again under other ordinals.
    var forget: @Sendable (_ ordinals: Range<Int64>) async throws -> Void
    /// How far each sink is.
    var standings: @Sendable () async throws -> [DirectStanding]
}

/// Reads one bucket's records at the source, in the order of their keys, some batches ahead of what is being published.
///
/// What it has read and nobody has settled stays in memory, so that a batch that failed is published again as it was.
actor DirectBucketReader: BucketReader {
    nonisolated let bucket: StoredBucket
    private let access: DirectAccess
    private let bytesAhead: Int

    private var ahead: [(part: Reservation.Part, records: RecordBatch)] = []
    /// The key behind which `ahead` begins.
    private var start: RecordKey?
    private var place: Continuation.Place
    private var isOpen = false
    /// The reservation that is on the disk, unless another process has put one there.
    private(set) var reservation: Reservation?
    private var isExhausted = false
    private var reading: (any DirectReading)?
    private var filling: Task<Void, any Error>?

    /// Batches that are reserved together: one sync for so many.
    private static let batchesAhead = 16

    /// - Parameter bytesAhead: about so many bytes are read at a time; as many as the largest batch may have.
    init(bucket: StoredBucket, access: DirectAccess, bytesAhead: Int) {
        self.bucket = bucket
        self.access = access
        self.bytesAhead = bytesAhead
        reservation = bucket.reservation
        isExhausted = bucket.state == .complete
        place = Continuation.Place(
            after: nil,
            ordinal: isExhausted ? bucket.nextOrdinal : bucket.firstOrdinal,
            skipped: bucket.skipped
        )
    }

    /// Known once the source has said that the range has no more records.
    var end: Int64? { isExhausted ? place.ordinal : nil }

    func batch(from position: Int64, limit: BatchLimit) async throws -> RecordBatch? {
        let settled = max(position, bucket.nextOrdinal)
        while !hasRecords(behind: settled) {
            if isExhausted { return nil }
            let filling = fill(settled: settled, limit)
            try await withTaskCancellationHandler {
                try await filling.value
            } onCancel: {
                filling.cancel()
            }
        }
        if isShort, !isExhausted { fill(settled: settled, limit) }
        let records = ahead[0].records
        let from = Int(max(settled, records.firstOrdinal) - records.firstOrdinal)
        return records.slice(from..<min(records.count, from + limit.records))
    }

    /// Whether it is time to read on; what is held stays below four times `bytesAhead`, a batch being no larger than that.
    private var isShort: Bool {
        ahead.count <= Self.batchesAhead / 2 && ahead.reduce(0) { $0 + $1.records.byteCount } <= bytesAhead
    }

    /// Lets go of what is settled.
    private func hasRecords(behind settled: Int64) -> Bool {
        while let first = ahead.first, first.part.endOrdinal <= settled {
            start = first.part.lastKey
            ahead.removeFirst()
        }
        return !ahead.isEmpty
    }

    func skipped(at ordinal: Int64) -> Int64 {
        ahead.last { $0.part.firstOrdinal <= ordinal }?.part.skipped ?? place.skipped
    }

    /// Reads on, unless that is under way.
    @discardableResult
    private func fill(settled: Int64, _ limit: BatchLimit) -> Task<Void, any Error> {
        if let filling { return filling }
        let task = Task {
            defer { filling = nil }
            do {
                if !isOpen { try await open(settled: settled) }
                try await readOn(limit)
            } catch {
                // The next one reads on behind what is reserved.
                reading = nil
                throw error
            }
        }
        filling = task
        return task
    }

    private func readOn(_ limit: BatchLimit) async throws {
        let reading = try self.reading ?? access.read(range.behind(place.after))
        self.reading = reading
        var fresh: [(part: Reservation.Part, records: RecordBatch)] = []
        var next = place
        var bytes = 0
        var isEnded = false
        while fresh.count < Self.batchesAhead, bytes < bytesAhead {
            let records = try await reading.next(from: next.ordinal, limit: limit)
            guard records.count > 0 else {
                isEnded = true
                break
            }
            let part = try Reservation.Part(records, skipped: next.skipped)
            fresh.append((part, records))
            bytes += records.byteCount
            next.ordinal = part.endOrdinal
            next.after = part.lastKey
        }
        if !fresh.isEmpty {
            let next = Reservation(after: start, parts: (ahead + fresh).map(\.part))
            try await access.reserve(next, reservation)
            reservation = next
        }
        ahead += fresh
        place = next
        if isEnded {
            isExhausted = true
            self.reading = nil
        }
    }

    private var range: KeyRange { bucket.keyRange ?? KeyRange() }

    // MARK: Carrying on

    /// Finds out what of an earlier reservation has to come again, and where new records begin.
    private func open(settled: Int64) async throws {
        if let reservation = bucket.reservation {
            let continuation = Continuation(
                reservation,
                settled: settled,
                standings: try await access.standings(),
                in: range,
                of: access.run
            )
            start = reservation.start(of: continuation.parts.lowerBound)
            let kept = try await readAgain(continuation)
            place = try continuation.place(matching: kept.count, first: bucket.firstOrdinal)
            if let given = place.given { try await access.forget(given) }
            ahead = kept
        }
        isOpen = true
    }

    /// The parts that hold the keys that they held, up to the first that does not.
    private func readAgain(_ continuation: Continuation) async throws -> [(
        part: Reservation.Part, records: RecordBatch
    )] {
        var kept: [(part: Reservation.Part, records: RecordBatch)] = []
        let parts = continuation.reservation.parts[continuation.parts]
        if parts.isEmpty { return kept }
        let again = try access.read(range.behind(start))
        for part in parts {
            let records = try await again.next(
                from: part.firstOrdinal,
                limit: BatchLimit(records: part.count, bytes: .max)
            )
            guard part.isSame(as: records) else { return kept }
            kept.append((part, records))
        }
        // The source goes on from here.
        reading = again
        return kept
    }
}
