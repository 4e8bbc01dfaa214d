public import Foundation
public import Logging

/// One line of a log: for people, or for machines.
public struct LogLine: Sendable {
    /// How lines look.
    public enum Format: String, Sendable, CaseIterable {
        /// Time, level and message, then `key=value`.
        case text
        /// One JSON object a line: `time`, `level`, `message`, and every piece of metadata as a member of its own.
        case json
    }

    /// When it was logged.
    public var time: Date
    /// How much it matters.
    public var level: Logger.Level
    /// What happened.
    public var message: String
    /// Which run, query, execution, message.
    public var metadata: Logger.Metadata

    /// Puts a line together.
    public init(time: Date, level: Logger.Level, message: String, metadata: Logger.Metadata) {
        self.time = time
        self.level = level
        self.message = message
        self.metadata = metadata
    }

    /// Without the line feed at its end; it holds no other.
    public func text(as format: Format) -> String {
        switch format {
        case .text: plain
        case .json: json
        }
    }

    // MARK: For people

    private var plain: String {
        var line = "\(timestamp) \(level.rawValue) \(Self.onOneLine(message))"
        for (key, value) in flattened {
            let needsQuotes = value.isEmpty || value.contains { $0.isWhitespace || $0 == "\"" || $0 == "=" }
            line += " \(Self.onOneLine(key))=" + (needsQuotes ? Self.quoted(value) : value)
        }
        return line
    }

    private static func onOneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    // MARK: For machines

    private static let ownMembers: Set<String> = ["time", "level", "message"]

    private var json: String {
        var members = [("time", timestamp), ("level", level.rawValue), ("message", message)]
        // A member comes once: metadata of these names stands beside the line's own.
        members += flattened.map { (Self.ownMembers.contains($0) ? "metadata.\($0)" : $0, $1) }
        return "{" + members.map { "\(Self.quoted($0)):\(Self.quoted($1))" }.joined(separator: ",") + "}"
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            // Some readers take the two separators for line ends.
            case _
            where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
                || (0x2028...0x2029).contains(scalar.value):
                let hex = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    // MARK: Both

    /// UTC, to the millisecond.
    private var timestamp: String {
        time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// Sorted by key; what is nested has the keys on the way to it joined by dots.
    private var flattened: [(key: String, value: String)] {
        metadata.flatMap { Self.flatten($1, as: $0) }.sorted { $0.key < $1.key }
    }

    private static func flatten(_ value: Logger.MetadataValue, as key: String) -> [(key: String, value: String)] {
        switch value {
        case .string(let text): [(key, text)]
        case .stringConvertible(let convertible): [(key, convertible.description)]
        case .array(let values): values.enumerated().flatMap { flatten($1, as: "\(key).\($0)") }
        case .dictionary(let values): values.flatMap { flatten($1, as: "\(key).\($0)") }
        }
    }
}
