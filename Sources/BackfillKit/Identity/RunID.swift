import Workflows

/// Names a run: `<spec name>-<14 characters that sort by time>`, such as `customers-01jd4k2m9q7xw3`.
public struct RunID: RawRepresentable, Codable, Hashable, Sendable, CustomStringConvertible {
    /// The id's text.
    public let rawValue: String

    /// Characters of randomness: a person types run ids, so they are short, and runs of one name do not start by the thousand.
    private static let randomLength = 4

    /// Takes an id that was typed or read back. The text is not checked.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// A new id. Ids of one name sort by time.
    ///
    /// - Parameters:
    ///   - name: the spec's name.
    ///   - milliseconds: since 1970.
    ///   - random: makes ids of one millisecond differ; the low 20 bits are used.
    public static func make(name: String, milliseconds: Int64, random: UInt64) -> RunID {
        let suffix = SortableID.timeText(milliseconds) + SortableID.text(random, length: randomLength)
        return RunID(rawValue: "\(name)-\(suffix)")
    }

    /// The id's text.
    public var description: String { rawValue }
}
