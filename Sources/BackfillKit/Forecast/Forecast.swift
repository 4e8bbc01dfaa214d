import Foundation
import Workflows

/// How long a run would take, as far as a rehearsal can tell. All times are in seconds.
public struct Forecast: Encodable, Hashable, Sendable {
    /// What sets the pace of publishing.
    public enum Limit: Hashable, Sendable {
        /// Writing to this sink, the slowest one.
        case sink(String)
        /// The `pace` of the run, or of this lane.
        case pace(Pace, lane: String?)
        /// The executors: each waits for its batch, and there are too few to keep the sinks busy.
        case executors(Int)
        /// What a batch costs apart from the sinks: reading it, the history, the checkpoint.
        case batches
    }

    /// Records of all queries.
    public var records: Int64
    /// Running the queries and storing their results, as long as the rehearsal took for it.
    public var stagingSeconds: Double
    /// Publishing all records.
    public var publishingSeconds: Double
    /// What publishing waits for most of the time; nil without records.
    public var limit: Limit?
    /// With time windows: until the last record, the hours in which they are shut included. Nil without them.
    public var windowedSeconds: Double?
    /// Sinks that cannot be rehearsed, and why. They may make the run take longer than this.
    public var leftOut: [String]

    /// Time in which the run works.
    public var workingSeconds: Double { stagingSeconds + publishingSeconds }

    /// From the start to the end: the working time, and with time windows the hours in which they are shut.
    public var seconds: Double { windowedSeconds ?? workingSeconds }

    /// Whether a run would take longer than it may.
    public func exceeds(_ limit: Duration) -> Bool { seconds > limit.inSeconds }

    /// The same for a run that works only while one of the windows is open; without windows nothing changes.
    func within(_ windows: [TimeWindow], from start: Date) -> Forecast {
        guard !windows.isEmpty else { return self }
        var forecast = self
        let end = TimeWindow.end(ofWork: workingSeconds, in: windows, from: start)
        forecast.windowedSeconds = end.timeIntervalSince(start)
        return forecast
    }

    private enum CodingKeys: String, CodingKey {
        case records, stagingSeconds, publishingSeconds, workingSeconds, windowedSeconds, limit, leftOut
    }

    /// With the sum, and with the limit as a person reads it.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(records, forKey: .records)
        try container.encode(stagingSeconds, forKey: .stagingSeconds)
        try container.encode(publishingSeconds, forKey: .publishingSeconds)
        try container.encode(workingSeconds, forKey: .workingSeconds)
        try container.encodeIfPresent(windowedSeconds, forKey: .windowedSeconds)
        try container.encodeIfPresent(limit?.description, forKey: .limit)
        try container.encode(leftOut, forKey: .leftOut)
    }
}

extension Forecast.Limit: CustomStringConvertible {
    /// Such as `table customer_config` or `pace of 2000 records/s`.
    public var description: String {
        switch self {
        case .sink(let name): name
        case .pace(let pace, let lane): "pace of \(pace)" + (lane.map { " in lane \($0)" } ?? "")
        case .executors(let count): count == 1 ? "one executor" : "\(count) executors"
        case .batches: "the number of batches"
        }
    }
}
