/// The source, or a query on it, is not as the spec says. No retry mends it.
public struct SourceError: Error, CustomStringConvertible, Sendable {
    /// What is wrong, where, and what to do.
    public let description: String

    /// Says what is wrong, where, and what to do.
    public init(_ description: String) { self.description = description }
}

/// The source cannot be read just now; a later attempt may succeed.
public struct SourceUnavailable: Error, CustomStringConvertible, Sendable {
    /// What is wrong, where, and what to do.
    public let description: String
}
