import Foundation
import SQLConnectors
import Workflows

/// Times how long sinks take for samples of a staged result, and keeps nothing of what it writes.
struct SampleTiming {
    /// More is not written at once, whatever the spec's batches hold: enough to spread the cost of a commit.
    private static let largestSample = BatchLimit(records: 50_000, bytes: 64 << 20)
    /// At how many places of a result samples are taken.
    private static let places = 3
    /// How often; the first time warms caches up.
    private static let rounds = 3
    /// When a round ends behind this there is no other: a slow sink needs no more precision.
    private static let patience: Duration = .seconds(5)
    /// What ledgers would keep it as, if they kept it.
    private static let run = RunID(rawValue: "rehearsal")

    private let spec: BackfillSpec
    private let sinks: [any RehearsableSink]
    /// Sinks that cannot be rehearsed, and why.
    private let leftOut: [String]

    /// Nothing is opened yet.
    init(_ spec: BackfillSpec) throws {
        self.spec = spec
        let prepared = spec.preparedPlaces
        var (sinks, leftOut): ([any RehearsableSink], [String]) = ([], [])
        for (described, sink) in zip(spec.sinks, try spec.makeSinks(for: Self.run)) {
            if case .table(let table) = described, prepared.contains(table.database.place) {
                leftOut.append("\(sink.name): a hook makes its database ready before the first record")
            } else if let sink = sink as? any RehearsableSink {
                sinks.append(sink)
            } else {
                leftOut.append("\(sink.name): what is sent to it cannot be taken back")
            }
        }
        self.sinks = sinks
        self.leftOut = leftOut
    }

    /// Closes what was opened of the sinks.
    func close() async { for sink in sinks { await sink.close() } }

    /// What a forecast is worked out from.
    func model(of queries: [ForecastModel.Query], staging: Duration, buckets: Int) -> ForecastModel {
        ForecastModel(
            stagingSeconds: staging.inSeconds,
            queries: queries,
            buckets: buckets,
            executors: spec.executors,
            writers: Dictionary(uniqueKeysWithValues: sinks.map { ($0.name, $0.writers) }),
            pace: spec.pace,
            lanes: spec.lanes.mapValues(\.pace),
            leftOut: leftOut
        )
    }

    /// What the model needs to know of a query.
    ///
    /// Samples are as large as what a sink commits at once: while one group of batches is being written, the batches of the other executors
    /// gather. They lie at the beginning of the first, the middle and the last bucket; the median of the times holds.
    ///
    /// - Throws: what the sinks say of a target that is not as it should be, or gone.
    func query(_ query: QuerySpec, _ staged: StagedResult, _ plan: BucketPlan, in folder: URL) async throws
        -> ForecastModel.Query
    {
        let limit = batchLimit(of: query)
        var timed = ForecastModel.Query(
            records: staged.recordCount,
            bytes: 0,
            lane: query.lane,
            batchRecords: Double(limit.records),
            secondsPerRecord: [:]
        )
        guard staged.recordCount > 0 else { return timed }
        let reader = try StagedReader(staged.location(in: folder), schema: staged.schema)
        let starts = Self.starts(in: plan)
        let end = staged.recordCount + 1
        var batches: [RecordBatch] = []
        for start in starts { batches.append(try await reader.read(from: start, to: end, limit: limit)) }
        let read = max(1, batches.reduce(0) { $0 + $1.count })
        timed.bytes = Double(batches.reduce(0) { $0 + $1.byteCount }) / Double(read) * Double(staged.recordCount)
        // A batch that ends with the result says nothing of how many records others hold.
        timed.batchRecords = Double(batches.map(\.count).max() ?? limit.records)
        for sink in sinks {
            let atOnce = max(1, min(spec.executors, plan.buckets.count) / (sink.writers + 1))
            let sample = BatchLimit(
                records: min(limit.records * atOnce, Self.largestSample.records),
                bytes: min(limit.bytes * atOnce, Self.largestSample.bytes)
            )
            timed.secondsPerRecord[sink.name] = try await secondsPerRecord(sink, reader, starts, end, sample, query)
        }
        return timed
    }

    private func secondsPerRecord(
        _ sink: any RehearsableSink,
        _ reader: StagedReader,
        _ starts: [Int64],
        _ end: Int64,
        _ sample: BatchLimit,
        _ query: QuerySpec
    ) async throws -> Double {
        let clock = ContinuousClock()
        let began = clock.now
        var seconds: [Double] = []
        for _ in 0..<Self.rounds where seconds.isEmpty || clock.now - began < Self.patience {
            for start in starts {
                try Task.checkCancellation()
                let records = try await reader.read(from: start, to: end, limit: sample)
                let messages = RecordMessages(
                    records: records,
                    runID: Self.run,
                    queryID: QueryID(rawValue: "rehearsal"),
                    query: query.name,
                    bucket: 1,
                    executionID: "rehearsal"
                )
                seconds.append(try await sink.rehearse(messages).inSeconds / Double(max(1, records.count)))
            }
        }
        return seconds.sorted()[seconds.count / 2]
    }

    /// What a batch of a query may hold, as the run's gate sees it: no more than a pace lets pass at once.
    private func batchLimit(of query: QuerySpec) -> BatchLimit {
        let paces = [spec.pace.records, query.lane.flatMap { spec.lanes[$0]?.pace.records }].compactMap { $0 }
        let portions = paces.map { Int(Meter(perSecond: $0).portion) }
        return BatchLimit(records: ([spec.batch.records] + portions).min() ?? 1, bytes: spec.batch.byteCount)
    }

    private static func starts(in plan: BucketPlan) -> [Int64] {
        let count = plan.buckets.count
        let chosen = Set((0..<places).map { $0 * (count - 1) / (places - 1) })
        return chosen.sorted().map { plan.buckets[$0].firstOrdinal }
    }
}
