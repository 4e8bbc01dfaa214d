/// Finds `${VARIABLES}` in a value of the spec and replaces them.
///
/// A name is a letter or `_` and then letters, digits and `_`; `$${` stands for `${` itself. What a variable holds is taken as it is:
/// variables in it are not looked for.
struct Variables {
    /// What is wrong with one `${`.
    enum Fault: Hashable {
        case notSet(name: String)
        case malformed
    }

    /// Variables replaced.
    private(set) var value = ""
    /// Variables in place, `$${` unescaped: what may be shown.
    private(set) var shown = ""
    /// How often a variable was named.
    private(set) var count = 0
    /// What is wrong, with the number of `${` that come before it in the text, escaped ones included.
    private(set) var faults: [(fault: Fault, marksBefore: Int)] = []

    static let mark = "${"

    init(in text: String, environment: [String: String]) {
        var rest = text[...]
        var marksBefore = 0
        while let dollar = rest.firstIndex(of: "$") {
            append(rest[..<dollar])
            rest = rest[dollar...]
            if rest.hasPrefix("$" + Self.mark) {
                append(Self.mark)
                rest = rest.dropFirst(3)
                marksBefore += 1
            } else if rest.hasPrefix(Self.mark) {
                rest = rest.dropFirst(2)
                rest = replaceVariable(at: rest, environment: environment, marksBefore: marksBefore)
                marksBefore += 1
            } else {
                append("$")
                rest = rest.dropFirst()
            }
        }
        append(rest)
    }

    /// - Returns: what follows the variable.
    private mutating func replaceVariable(
        at rest: Substring,
        environment: [String: String],
        marksBefore: Int
    ) -> Substring {
        let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        let after = rest[name.endIndex...]
        guard let first = name.first, !first.isNumber, after.first == "}" else {
            faults.append((.malformed, marksBefore))
            return rest
        }
        count += 1
        shown += "\(Self.mark)\(name)}"
        if let replacement = environment[String(name)] {
            value += replacement
        } else {
            faults.append((.notSet(name: String(name)), marksBefore))
        }
        return after.dropFirst()
    }

    private mutating func append(_ text: some StringProtocol) {
        value += text
        shown += text
    }
}
