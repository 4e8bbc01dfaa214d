/// `stage`: where the records of a query are kept between the source and the sinks.
public enum Stage: String, Hashable, Sendable, CaseIterable {
    /// In a SQLite file in the state folder: read once, in one instant, and frozen.
    case file
    /// Nowhere: each bucket is a range of keys, and is read at the source while it is published.
    case direct
}
