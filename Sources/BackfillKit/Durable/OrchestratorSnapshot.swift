public import Workflows

/// How far an orchestrator is, as its workflow knows it: the answer to the query `progress`, which any of an engine's tools may ask.
///
/// It tells of this execution: what earlier ones of its chain have closed is not in it. Records, rates and errors are in `stats`.
public struct OrchestratorSnapshot: Codable, Hashable, Sendable {
    /// What it is at.
    public enum Stage: String, Codable, Sendable {
        /// Hooks that run before, and checks of source and sinks.
        case preparing
        /// Queries are staged, cut and published.
        case publishing
        /// How it ended is judged, and hooks of the end run.
        case finishing
    }

    /// Where a query stands.
    public enum Phase: String, Codable, Sendable {
        /// It waits for its turn.
        case pending
        /// Its rows are being staged, or cut at the source.
        case extracting
        /// Its buckets are being published.
        case publishing
        /// It waits for the spec's time window.
        case waiting
        /// Every bucket was worked through.
        case complete
        /// It could not be staged or cut.
        case failed
    }

    /// How far one query is.
    public struct Query: Codable, Hashable, Sendable {
        /// The name in the spec.
        public var name: String
        /// The query id.
        public var queryID: QueryID
        /// Its lane.
        public var lane: String?
        /// Where it stands.
        public var phase: Phase = .pending
        /// Buckets whose executors are at work, in order.
        public var open: [Int] = []
        /// Buckets that were worked through.
        public var done = 0
        /// Buckets whose executors gave up.
        public var failed = 0

        private enum CodingKeys: String, CodingKey {
            case name, lane, phase, open, done, failed
            case queryID = "query_id"
        }
    }

    /// The run.
    public var run: RunID
    /// How often an orchestrator was started for the run, this time included.
    public var pass: Int
    /// What it is at.
    public var stage: Stage = .preparing
    /// Whether somebody paused the run; nil before anybody said so or the run's record was read.
    public var paused: Bool?
    /// Whether nothing more is started, because the run was cancelled or stopped.
    public var stopping = false
    /// Whether nothing more is started, because the next execution of the chain goes on.
    public var handingOver = false
    /// How many executors may be open at once; nil while it prepares.
    public var executors: Int?
    /// The queries that were left when it began.
    public var queries: [Query] = []

    private enum CodingKeys: String, CodingKey {
        case run, pass, stage, paused, stopping, executors, queries
        case handingOver = "handing_over"
    }

    /// What asks for it.
    public static let query = QueryName<ProgressQuestion, OrchestratorSnapshot>(ProgressQuestion.name)
}

extension Latest where Value == OrchestratorSnapshot {
    /// Takes in what is left to do.
    func take(_ outline: RunOutline) {
        change { snapshot in
            snapshot.stage = .publishing
            // A command that came meanwhile is newer.
            snapshot.paused = snapshot.paused ?? outline.isPaused
            snapshot.queries = outline.queries.map {
                OrchestratorSnapshot.Query(name: $0.name, queryID: $0.queryID, lane: $0.lane)
            }
        }
    }

    /// Takes in a command that was carried out.
    func take(_ verb: ControlCommand.Verb) {
        switch verb {
        case .pause: change { $0.paused = true }
        case .resume: change { $0.paused = false }
        case .cancel, .stop, .throttle: break
        }
    }

    func change(_ query: QueryID, _ body: (inout OrchestratorSnapshot.Query) -> Void) {
        change { snapshot in
            guard let place = snapshot.queries.firstIndex(where: { $0.queryID == query }) else { return }
            body(&snapshot.queries[place])
        }
    }
}
