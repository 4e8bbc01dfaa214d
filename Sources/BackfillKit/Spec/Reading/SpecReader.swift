import Yams

/// Reads values out of a spec and collects what is wrong with them, so that one reading finds every problem.
///
/// Each reading function answers nil when it has noted a problem.
struct SpecReader {
    let source: SpecSource
    let files: SpecFiles
    private let environment: [String: String]
    private(set) var problems: [SpecProblem] = []

    init(source: SpecSource, files: SpecFiles, environment: [String: String]) {
        self.source = source
        self.files = files
        self.environment = environment
    }

    mutating func note(_ field: SpecField, _ message: String, _ advice: String) {
        let subject = field.path.isEmpty ? "" : "\(field.path): "
        problems.append(source.problem(field.position, subject + message, advice))
    }

    mutating func note(_ field: SpecField, _ error: QuantityError) {
        note(field, error.message, error.advice)
    }

    // MARK: Mappings and lists

    /// A mapping with no other keys than those; unknown ones are noted, and the known ones still read.
    mutating func mapping(_ field: SpecField, keys: [String]) -> SpecMapping? {
        guard let entries = entries(field, expected: "a mapping with \(keys.listed)") else { return nil }
        var values: [String: SpecField] = [:]
        for (key, value) in entries {
            if keys.contains(key.name) {
                values[key.name] = value
            } else {
                note(
                    SpecField(key.node, path: field.path),
                    "unknown key \(key.name.quoted)",
                    Nearest.advice(for: key.name, among: keys)
                )
            }
        }
        return SpecMapping(field: field, values: values)
    }

    /// The entries of a mapping with free keys, in order.
    mutating func entries(_ field: SpecField, expected: String) -> [(
        key: (name: String, node: Node), value: SpecField
    )]? {
        guard case .mapping(let mapping) = field.node else {
            note(
                field,
                "expected \(expected), found \(found(field))",
                "Write `key: value`, each on a line of its own, below it."
            )
            return nil
        }
        var entries: [(key: (name: String, node: Node), value: SpecField)] = []
        for (key, value) in mapping {
            if case .scalar(let scalar) = key {
                entries.append(((scalar.string, key), field.child(scalar.string, value)))
            } else {
                note(
                    SpecField(key, path: field.path),
                    "a key that is itself a list or a mapping",
                    "Write a word as the key."
                )
            }
        }
        return entries
    }

    mutating func list(_ field: SpecField, of what: String) -> [SpecField]? {
        guard case .sequence(let sequence) = field.node else {
            note(
                field,
                "expected a list of \(what), found \(found(field))",
                "Begin each entry with `- ` on a line of its own."
            )
            return nil
        }
        return sequence.map { SpecField($0, path: field.path) }
    }

    /// The value of a key that must be there.
    mutating func required(_ key: String, in mapping: SpecMapping, example: String) -> SpecField? {
        if let value = mapping[key] { return value }
        note(mapping.field, "\(key.quoted) is missing", "Add it, such as `\(example)`.")
        return nil
    }

    // MARK: Values

    /// Text that is not empty, with its variables replaced.
    mutating func text(_ field: SpecField, expected: String = "text") -> ReadText? {
        guard let raw = scalar(field, expected: expected) else { return nil }
        let variables = Variables(in: raw, environment: environment)
        for (fault, marksBefore) in variables.faults {
            let position = source.position(ofVariableMark: marksBefore, after: field.position)
            problems.append(problem(of: fault, at: position, in: field))
        }
        guard variables.faults.isEmpty else { return nil }
        if raw.utf8.contains(0) {
            note(field, "holds a NUL character", "Take it out: names and paths end at it.")
            return nil
        }
        let text = ReadText(
            value: variables.value,
            shown: variables.shown,
            hasVariables: variables.count > 0,
            isPlain: field.node.isPlain,
            field: field
        )
        if text.value.allSatisfy(\.isWhitespace) {
            note(field, text.hasVariables ? "\(text.found) is empty" : "is empty", "Give it a value.")
            return nil
        }
        return text
    }

    /// Text as it stands, variables and all.
    mutating func scalar(_ field: SpecField, expected: String) -> String? {
        if field.node.isNothing {
            note(field, "has no value", "Give it one, or take the key out if it is not needed.")
            return nil
        }
        guard case .scalar(let scalar) = field.node else {
            note(field, "expected \(expected), found \(found(field))", "Write \(expected) here.")
            return nil
        }
        return scalar.string
    }

    /// - Parameter alternative: what else the key may be given, such as `a mapping`.
    mutating func wholeNumber(_ field: SpecField, in bounds: ClosedRange<Int>, or alternative: String? = nil) -> Int? {
        let expected = "a whole number" + (alternative.map { " or \($0)" } ?? "")
        guard let text = text(field, expected: expected) else { return nil }
        let digits = text.value.trimmingBlanks
        if let number = WholeNumber.parse(digits), bounds.contains(number) { return number }
        // What is out of bounds may also be negative, or too large for any integer.
        let isWholeNumber = digits.wholeMatch(of: /-?(0|[1-9][0-9_]*)/) != nil
        note(
            field,
            isWholeNumber ? "\(text.found) is out of bounds" : "expected \(expected), found \(text.found)",
            "Write a whole number from \(bounds.lowerBound) to \(bounds.upperBound)"
                + (alternative.map { ", or \($0)." } ?? ".")
        )
        return nil
    }

    mutating func boolean(_ field: SpecField) -> Bool? {
        guard let text = text(field, expected: "true or false") else { return nil }
        switch text.value.lowercased() {
        case "true": return true
        case "false": return false
        default:
            note(field, "expected true or false, found \(text.found)", "Write true or false.")
            return nil
        }
    }

    mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(_ field: SpecField, of _: Choice.Type)
        -> Choice?
    {
        let choices = Choice.allCases.map(\.rawValue)
        guard let text = text(field, expected: choices.listed) else { return nil }
        if let choice = Choice(rawValue: text.value) { return choice }
        note(
            field,
            "expected \(choices.alternatives), found \(text.found)",
            text.hasVariables ? "Set it to \(choices.alternatives)." : Nearest.advice(for: text.value, among: choices)
        )
        return nil
    }

    /// Names of specs, queries and lanes: they become parts of file names and ids.
    mutating func name(_ field: SpecField) -> String? {
        guard let text = text(field, expected: "a name") else { return nil }
        return name(text.value, found: text.found, at: field)
    }

    mutating func name(_ name: String, found: String, at field: SpecField) -> String? {
        // A run id that began with a hyphen would be taken for an option where it is typed.
        let isAllowed =
            !name.hasPrefix("-")
            && name.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            }
        let limit = BackfillSpec.Bounds.nameLength
        if !name.isEmpty, isAllowed, name.utf8.count <= limit { return name }
        note(field, "\(found) cannot be a name", "Use letters, digits, _ and -, at most \(limit), and no - in front.")
        return nil
    }

    // MARK: Words for what was found

    func found(_ field: SpecField) -> String {
        switch field.node {
        case .mapping: return "a mapping"
        case .sequence: return "a list"
        case .alias: return "an alias"
        case .scalar(let scalar):
            if field.node.isNothing { return "nothing" }
            let hasVariables = scalar.string.contains(Variables.mark)
            return ReadText(
                value: scalar.string,
                shown: scalar.string,
                hasVariables: hasVariables,
                isPlain: field.node.isPlain,
                field: field
            ).found
        }
    }

    private func problem(of fault: Variables.Fault, at position: SpecPosition, in field: SpecField) -> SpecProblem {
        switch fault {
        case .notSet(let name):
            return source.problem(
                position,
                "\(field.path): the environment variable \(name) is not set",
                "Set it, or write $${\(name)} if the text itself is meant."
            )
        case .malformed:
            return source.problem(
                position,
                "\(field.path): ${ is not followed by a variable's name and }",
                "Write ${NAME}, or $${ if the text itself is meant."
            )
        }
    }
}
