import Foundation
import SQLConnectors

/// Compares what a run has published with what its targets hold.
public struct Verifier: Sendable {
    /// How many differences of a sink are told by name.
    public static let namedDifferences = 1_000
    /// Records compared at once.
    private static let rangeSize: Int64 = 50_000

    private let runtime: BackfillRuntime
    private let ownKeysOnly: Bool
    private let progress: @Sendable (_ compared: Int64) -> Void

    /// - Parameters:
    ///   - ownKeysOnly: looks at the rows of the run's own keys only, for tables that others write to as well.
    ///   - progress: told how many records were compared so far, of all sinks together.
    public init(
        _ runtime: BackfillRuntime,
        ownKeysOnly: Bool,
        progress: @escaping @Sendable (_ compared: Int64) -> Void = { _ in }
    ) {
        self.runtime = runtime
        self.ownKeysOnly = ownKeysOnly
        self.progress = progress
    }

    private var store: RunStore { runtime.store }

    /// Compares, and changes nothing.
    ///
    /// - Throws: ``RunRefused``, ``SQLConnectors/SinkError``, ``SQLConnectors/TargetUnavailable``, ``SQLConnectors/StagedResultDamaged``.
    public func verify(_ runID: RunID) async throws -> Verification { try await examine(runID).0 }

    /// What was found, and what can be put right by publishing it again.
    func examine(_ runID: RunID) async throws -> (Verification, RepairList) {
        guard let run = try await store.run(runID) else { throw RunRefused.unknown(run: runID.rawValue) }
        if run.state == .cancelled { throw RunRefused.cancelled(run: runID) }
        let spec = try await runtime.spec(of: run)
        let queries = try await store.queries(of: runID)
        if let query = queries.first(where: { $0.direct != nil }) {
            throw RunRefused.directVerify(query.name, run: runID)
        }
        for query in queries { try await runtime.verify(query) }
        var verification = Verification(
            runID: runID,
            sinks: [],
            unpublished: try await unpublished(queries),
            unfinished: queries.filter { $0.state != .complete && $0.kind != .superseded }.map(\.name),
            deadLetters: try await store.deadLetterCounts(of: runID).values.reduce(0, +)
        )
        var repairs = RepairList()
        var before: Int64 = 0
        for (sink, name) in zip(spec.sinks, spec.sinks.subscriptionNames) {
            var finding = Verification.Sink(subscription: name, isComparable: false)
            if case .table(let table) = sink {
                finding.isComparable = true
                let (runID, offset) = (run.runID, before)
                try await compare(
                    try table.open(session: "backfill verify \(runID)"),
                    table,
                    queries,
                    &finding,
                    &repairs,
                    offset: offset
                )
                before += finding.compared
            }
            verification.sinks.append(finding)
        }
        return (verification, repairs)
    }

    private func unpublished(_ queries: [StoredQuery]) async throws -> Int64 {
        var count: Int64 = 0
        for query in queries where query.kind != .superseded {
            for bucket in try await store.buckets(of: query.queryID) { count += bucket.endOrdinal - bucket.nextOrdinal }
        }
        return count
    }

    private func compare(
        _ table: any RecordTable,
        _ target: TableSinkSpec,
        _ queries: [StoredQuery],
        _ finding: inout Verification.Sink,
        _ repairs: inout RepairList,
        offset: Int64
    ) async throws {
        let name = finding.subscription
        let published = queries.filter { $0.staged != nil && $0.reaches(name) }
        // Queries with other keys cannot share a comparison; the rows that are no record are only known where all have the same.
        let keys = Set(published.compactMap { $0.staged.map { target.key ?? $0.schema.keyName } })
        var extra: Int64?
        for key in keys.sorted() {
            let own = published.filter { $0.staged.map { target.key ?? $0.schema.keyName } == key }
            guard let schema = own.first?.staged?.schema else { continue }
            let comparison = try await table.compare(schema: schema)
            do {
                for query in own {
                    try await compare(query, with: comparison, target, &finding, &repairs, offset: offset)
                }
                if !ownKeysOnly, keys.count == 1 {
                    let others = try await comparison.others(limit: Self.namedDifferences)
                    extra = others.count
                    finding.differences += others.keys.map {
                        Verification.Difference(kind: .extra, recordID: $0, query: nil, ordinal: nil, columns: nil)
                    }
                }
            } catch {
                await comparison.close()
                throw error
            }
            await comparison.close()
        }
        await table.close()
        finding.extra = extra
    }

    private func compare(
        _ query: StoredQuery,
        with comparison: any TableComparison,
        _ target: TableSinkSpec,
        _ finding: inout Verification.Sink,
        _ repairs: inout RepairList,
        offset: Int64
    ) async throws {
        guard let staged = query.staged else { return }
        let reader = try await runtime.results.reader(of: staged)
        let absent = try await store.unexpected(of: query, at: finding.subscription)
        let part = RepairList.Part(queryID: query.queryID, subscription: finding.subscription)
        for id in query.skips ?? [] {
            // What a canary has published is not this run's, and no row of others either.
            guard let earlier = try await store.query(id), earlier.runID != query.runID else { continue }
            try await expect(earlier, from: 1, to: (earlier.staged?.recordCount ?? 0) + 1, of: comparison)
        }
        for bucket in try await store.buckets(of: query.queryID) {
            // Of a batch that was broken off some sinks may have taken records already.
            try await expect(query, from: bucket.nextOrdinal, to: bucket.endOrdinal, of: comparison)
            var position = bucket.firstOrdinal
            while position < bucket.nextOrdinal {
                try Task.checkCancellation()
                let end = min(position + Self.rangeSize, bucket.nextOrdinal)
                let limit = BatchLimit(records: Int(end - position), bytes: 64 << 20)
                let records = try await reader.read(from: position, to: end, limit: limit)
                let expected = ExpectedRecords(records, without: absent)
                if expected.records.count < records.count { try await comparison.expect(records) }
                for difference in try await comparison.compare(expected.records) {
                    let ordinal = expected.ordinal(of: difference)
                    let kind = finding.count(difference, ordinal: ordinal, query: query.name)
                    if kind == .missing || kind == .changed && target.mode == .upsert {
                        repairs.ordinals[part, default: []].append(ordinal)
                    }
                }
                finding.compared += Int64(expected.records.count)
                position = records.endOrdinal
                progress(offset + finding.compared)
            }
        }
    }

    /// Lets the table hold records that it need not hold.
    private func expect(_ query: StoredQuery, from first: Int64, to end: Int64, of comparison: any TableComparison)
        async throws
    {
        guard let staged = query.staged, first < end else { return }
        let reader = try await runtime.results.reader(of: staged)
        var position = first
        while position < end {
            try Task.checkCancellation()
            let limit = BatchLimit(records: Int(min(end - position, Self.rangeSize)), bytes: 64 << 20)
            let records = try await reader.read(from: position, to: end, limit: limit)
            try await comparison.expect(records)
            position = records.endOrdinal
        }
    }
}

extension Verification.Sink {
    /// Counts a difference, and keeps it by name while there is room.
    fileprivate mutating func count(_ difference: RecordDifference, ordinal: Int64, query: String)
        -> Verification.Difference.Kind
    {
        let kind: Verification.Difference.Kind
        var columns: [String]?
        switch difference.kind {
        case .missing:
            kind = .missing
            missing += 1
        case .changed(let names):
            kind = .changed
            changed += 1
            columns = names
        case .repeated:
            kind = .repeated
            repeated += 1
        }
        if differences.count < Verifier.namedDifferences {
            differences.append(
                Verification.Difference(
                    kind: kind,
                    recordID: difference.recordID,
                    query: query,
                    ordinal: ordinal,
                    columns: columns
                )
            )
        }
        return kind
    }
}

/// The records of a range that a target should hold, and where each stands in its result.
private struct ExpectedRecords {
    let records: RecordBatch
    /// The ordinal of each record; nil when they follow each other without a gap.
    private let ordinals: [Int64]?

    init(_ all: RecordBatch, without absent: Set<Int64>) {
        let range = all.firstOrdinal..<all.endOrdinal
        guard !absent.isEmpty, range.contains(where: absent.contains) else {
            records = all
            ordinals = nil
            return
        }
        var builder = RecordBatchBuilder(schema: all.schema, firstOrdinal: 1)
        var kept: [Int64] = []
        for row in 0..<all.count where !absent.contains(all.firstOrdinal + Int64(row)) {
            for column in all.schema.columns.indices { builder.append(all[row, column]) }
            builder.endRecord()
            kept.append(all.firstOrdinal + Int64(row))
        }
        records = builder.finish()
        ordinals = kept
    }

    func ordinal(of difference: RecordDifference) -> Int64 {
        ordinals.map { $0[Int(difference.ordinal - 1)] } ?? difference.ordinal
    }
}
