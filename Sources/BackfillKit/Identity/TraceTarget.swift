import Workflows

/// What a person who traces something may have given.
public enum TraceTarget: Hashable, Sendable {
    /// A whole correlation id.
    case correlation(CorrelationID)
    /// Sixteen characters of the ids' alphabet. Query ids and execution ids look alike, and a key may look like both.
    case queryOrExecution(String)
    /// Anything else is the key of a record, as it stands in the source.
    case record(String)

    /// Decides by the shape of the text alone. A text that begins like a correlation id but is none is a record id.
    public static func parse(_ text: String) -> TraceTarget {
        if let correlation = CorrelationID.parse(text) { return .correlation(correlation) }
        return SortableID.isWellFormed(text) ? .queryOrExecution(text) : .record(text)
    }
}
