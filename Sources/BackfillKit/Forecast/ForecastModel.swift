import Workflows

/// Works a forecast out from what a rehearsal has measured. Pure.
///
/// The model: results are staged one after the other, then published, and publishing takes the longest of
/// - the slowest sink, and with it what batches cost the engine and the run's books, for they share the machine. Sinks work at the same
///   time. Two writers of a sink, such as the sessions of a PostgreSQL table, are taken for √2 times as fast as one, for they share cores;
/// - the executors, each of which waits until its batch is settled in every sink before it begins the next one;
/// - the paces of the run and its lanes.
///
/// Simplifications: queries that could be staged while others are published are not, which makes the forecast longer than the run; a table
/// that grows slower to write as it fills, retries, probes, pauses and dead letters make the run longer than the forecast.
struct ForecastModel: Sendable {
    /// What is known of a query.
    struct Query: Sendable {
        var records: Int64
        /// Bytes of all records, as far as samples tell.
        var bytes: Double
        var lane: String?
        /// Records of its batches.
        var batchRecords: Double
        /// By sink: how long a record takes, in seconds.
        var secondsPerRecord: [String: Double]
    }

    /// What a run costs apart from the sinks, in seconds.
    struct Costs: Sendable {
        /// Of reading a record from the staged result and putting it into a batch.
        var perRecord: Double
        /// Of the history, the checkpoint and their commits, which batches of several executors share.
        var perBatch: Double
        /// From the moment at which a batch is settled to that at which its executor hands in the next one.
        var betweenBatches: Double
        /// Of a run, however small: opening the state, preparing sinks, closing.
        var perRun: Double

        /// On two cores, from `backfill run` of `samples/customers/customers.yaml` and `customers-ndjson.yaml`, also to a file in memory, where
        /// syncing costs nothing: a million records, with `batch` 1000 and 100 and `executors` 8 and 1; what it took, less the sink's share
        /// as `backfill plan --time --json` has it. Rough: small batches cost what syncing the state folder's disk costs.
        static let measured = Costs(perRecord: 0.7e-6, perBatch: 1e-3, betweenBatches: 1e-3, perRun: 0.2)
    }

    var stagingSeconds: Double
    var queries: [Query]
    /// Of all queries.
    var buckets: Int
    var executors: Int
    /// How many batches a sink writes at once, by sink; 1 where it is not listed.
    var writers: [String: Int] = [:]
    var pace: Pace
    var lanes: [String: Pace]
    var leftOut: [String] = []
    var costs = Costs.measured

    func forecast() -> Forecast {
        let slowest = bounds.max { $0.seconds < $1.seconds }
        return Forecast(
            records: queries.reduce(0) { $0 + $1.records },
            stagingSeconds: stagingSeconds,
            publishingSeconds: (slowest?.seconds ?? 0) + costs.perRun,
            limit: slowest?.limit,
            windowedSeconds: nil,
            leftOut: leftOut
        )
    }

    /// How long publishing takes at least, by what it waits for.
    private var bounds: [(seconds: Double, limit: Forecast.Limit)] {
        let batches = queries.reduce(0) { $0 + $1.batches }
        guard batches > 0 else { return [] }
        let atOnce = max(1, min(executors, buckets))
        let waiting = queries.reduce(0) { $0 + $1.batches * (costs.betweenBatches + $1.secondsPerBatch) }
        let books = batches * costs.perBatch + queries.reduce(0) { $0 + Double($1.records) * costs.perRecord }
        var bounds: [(seconds: Double, limit: Forecast.Limit)] = [
            (waiting / Double(atOnce), .executors(atOnce)), (books, .batches),
        ]
        for sink in Set(queries.flatMap(\.secondsPerRecord.keys)).sorted() {
            let all = queries.reduce(0) { $0 + Double($1.records) * ($1.secondsPerRecord[sink] ?? 0) }
            let seconds = all / Double(writers[sink] ?? 1).squareRoot()
            bounds.append((seconds + books, seconds > books ? .sink(sink) : .batches))
        }
        bounds.append((seconds(at: pace, for: queries), .pace(pace, lane: nil)))
        for (lane, pace) in lanes.sorted(by: { $0.key < $1.key }) {
            bounds.append((seconds(at: pace, for: queries.filter { $0.lane == lane }), .pace(pace, lane: lane)))
        }
        return bounds
    }

    private func seconds(at pace: Pace, for queries: [Query]) -> Double {
        let byRecords = pace.records.map { queries.reduce(0) { $0 + Double($1.records) } / $0 } ?? 0
        let byBytes = pace.bytes.map { queries.reduce(0) { $0 + $1.bytes } / $0 } ?? 0
        return max(byRecords, byBytes)
    }
}

extension ForecastModel.Query {
    fileprivate var batches: Double { (Double(records) / max(1, batchRecords)).rounded(.up) }

    /// Until a batch is settled in every sink.
    fileprivate var secondsPerBatch: Double {
        batchRecords * (secondsPerRecord.values.max() ?? 0)
    }
}
