/// A limit that queries share: `heavy: 1`, or `heavy: {queries: 1, pace: 500/s}`.
public struct LaneSpec: Codable, Hashable, Sendable {
    /// `queries`: how many queries of the lane may be at work at once, 1…1,000; nil sets no limit.
    public var queries: Int?
    /// `pace`: how fast all queries of the lane together may publish.
    public var pace: Pace

    /// Limits the number of queries at work, and their pace.
    public init(queries: Int?, pace: Pace = .unlimited) {
        self.queries = queries
        self.pace = pace
    }
}
