import Workflows

/// Names one execution of a query: second part of every correlation id, and the name of its staged result.
public struct QueryID: RawRepresentable, Codable, Hashable, Sendable, CustomStringConvertible {
    /// The id's text; holds no hyphen when it came from ``make(milliseconds:random:)``.
    public let rawValue: String

    /// Takes an id that was read back. The text is not checked.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// A new id, 16 characters that sort by time; see ``SortableID``.
    ///
    /// - Parameters:
    ///   - milliseconds: since 1970.
    ///   - random: makes ids of one millisecond differ; the low 30 bits are used.
    public static func make(milliseconds: Int64, random: UInt64) -> QueryID {
        QueryID(rawValue: SortableID.make(milliseconds: milliseconds, random: random))
    }

    /// The id's text.
    public var description: String { rawValue }
}
