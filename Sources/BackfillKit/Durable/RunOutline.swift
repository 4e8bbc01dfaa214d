import Workflows

/// What the orchestrator needs to know of a run: which queries are left, and the limits. Small at any size of the data.
public struct RunOutline: Codable, Sendable {
    /// Queries that are not complete, in the spec's order.
    public var queries: [QueryOutline]
    /// Whether queries are staged together first, so that they see the same instant.
    public var stagesTogether: Bool
    /// How many queries of a lane may be at work at once, by lane.
    public var lanes: [String: Int]
    /// How many executors may be open at once.
    public var executors: Int
    /// Whether publishing is bound to times of day; nil in histories of versions that knew none.
    public var hasWindow: Bool?
    /// Whether the run is paused; nil in histories of versions that did not say.
    public var isPaused: Bool?
}

/// What the orchestrator needs to know of a query.
public struct QueryOutline: Codable, Sendable {
    /// The query id.
    public var queryID: QueryID
    /// The name in the spec.
    public var name: String
    /// Its lane.
    public var lane: String?
    /// Whether its plan is frozen already, so that it only has to be carried on.
    public var isPlanned: Bool
}
