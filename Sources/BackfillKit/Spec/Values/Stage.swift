/// `stage`: where the records of a query are kept between the source and the sinks.
public enum Stage: String, Hashable, Sendable, CaseIterable {
    /// In a SQLite file that is kept with the state: read once, in one instant, and frozen.
    case file
    /// The same, and refused where the state is not in a PostgreSQL database that all machines reach.
    case postgres
    /// Nowhere: each bucket is a range of keys, and is read at the source while it is published.
    case direct
}
