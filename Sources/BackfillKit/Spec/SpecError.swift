/// A spec cannot be used. Holds every problem that was found, not only the first.
public struct SpecError: Error, Hashable, Sendable, CustomStringConvertible {
    /// At least one, in the order of the file.
    public let problems: [SpecProblem]

    /// One problem on a line, or all of them in a list below their number.
    public var description: String {
        if problems.count == 1 { return problems[0].description }
        return (["The spec has \(problems.count) problems:"] + problems.map { "  \($0)" }).joined(separator: "\n")
    }
}

/// One thing that is wrong with a spec.
public struct SpecProblem: Hashable, Sendable, CustomStringConvertible {
    /// The file as it was named by whoever asked for it.
    public let file: String
    /// Where in the file; nil when the file as a whole is meant.
    public let position: SpecPosition?
    /// What is wrong. Never holds the value of an environment variable.
    public let message: String
    /// What to do.
    public let advice: String

    /// `<file>:<line>:<column>: <what is wrong>. <What to do.>`
    public var description: String {
        let place = position.map { "\(file):\($0)" } ?? file
        return "\(place): \(message). \(advice)"
    }
}

/// A place in a text, as editors count it.
public struct SpecPosition: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// From 1.
    public let line: Int
    /// From 1, in Unicode scalars.
    public let column: Int

    /// `<line>:<column>`
    public var description: String { "\(line):\(column)" }

    /// By line, then by column.
    public static func < (one: SpecPosition, other: SpecPosition) -> Bool {
        (one.line, one.column) < (other.line, other.column)
    }
}
