import SQLConnectors

/// What `verify` found out about a run.
public struct Verification: Encodable, Sendable {
    /// One record of a run that a target does not hold as it was published, or a row that is no record of the run.
    public struct Difference: Encodable, Sendable {
        /// What is different.
        public enum Kind: String, Encodable, Sendable {
            /// The target has no row with the record's key.
            case missing
            /// The row holds something else.
            case changed
            /// More rows have the key than records were published.
            case repeated
            /// The row's key is none of the run's.
            case extra
        }

        /// What is different.
        public var kind: Kind
        /// The record id, or the row's key.
        public var recordID: String
        /// The query; nil for an extra row.
        public var query: String?
        /// The record's ordinal in the query's staged result.
        public var ordinal: Int64?
        /// The columns that differ.
        public var columns: [String]?
    }

    /// One sink.
    public struct Sink: Encodable, Sendable {
        /// The sink's name.
        public var subscription: String
        /// Whether it can be compared; files and servers cannot.
        public var isComparable: Bool
        /// Records that were compared.
        public var compared: Int64 = 0
        /// Records without a row.
        public var missing: Int64 = 0
        /// Records whose row holds something else.
        public var changed: Int64 = 0
        /// Records with too many rows.
        public var repeated: Int64 = 0
        /// Rows that are no record of the run; nil when they were not looked for.
        public var extra: Int64?
        /// The first differences, by name.
        public var differences: [Difference] = []

        /// Whether everything is as it should be.
        public var isWhole: Bool { missing + changed + repeated + (extra ?? 0) == 0 }
    }

    /// The run.
    public var runID: RunID
    /// The sinks, in the spec's order.
    public var sinks: [Sink]
    /// Records that are not published yet, and so were not compared.
    public var unpublished: Int64
    /// Queries, redrives and repairs of which not every record was published.
    public var unfinished: [String]
    /// Records that are dead letters, and so were not expected.
    public var deadLetters: Int

    /// Whether every target holds what was published.
    public var isWhole: Bool { sinks.allSatisfy(\.isWhole) }
}

/// Records to be published again, by the query they come from and the subscription that lacks them.
struct RepairList: Sendable {
    struct Part: Hashable, Comparable, Sendable {
        var queryID: QueryID
        var subscription: String

        static func < (one: Part, other: Part) -> Bool {
            (one.queryID.rawValue, one.subscription) < (other.queryID.rawValue, other.subscription)
        }
    }

    var ordinals: [Part: [Int64]] = [:]
}
