import Yams

/// The text of a spec and where its parts stand.
struct SpecSource {
    /// As whoever asked for the file named it.
    let file: String
    let text: String

    /// Where the `${` number `index` (from 0) after a position stands; the position itself when an escape hides it from the text.
    func position(ofVariableMark index: Int, after start: SpecPosition) -> SpecPosition {
        var left = index
        var position = SpecPosition(line: 1, column: 1)
        var scalars = text.unicodeScalars[...]
        while let scalar = scalars.first {
            scalars = scalars.dropFirst()
            if position >= start, scalar == "$", scalars.first == "{" {
                if left == 0 { return position }
                left -= 1
            }
            let isLineEnd = Self.lineEnds.contains(scalar) && !(scalar == "\r" && scalars.first == "\n")
            position =
                isLineEnd
                ? SpecPosition(line: position.line + 1, column: 1)
                : SpecPosition(line: position.line, column: position.column + 1)
        }
        return start
    }

    /// What the YAML parser takes for the end of a line.
    private static let lineEnds: Set<Unicode.Scalar> = ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"]

    /// The root of the file's only document.
    ///
    /// - Throws: ``SpecError`` for what is not YAML, and for a file without content.
    func compose() throws(SpecError) -> Node {
        do {
            if let root = try Yams.compose(yaml: text), !root.isNothing { return root }
        } catch let error as YamlError {
            throw SpecError(problems: [problem(of: error)])
        } catch {
            throw SpecError(problems: [problem(nil, "cannot be read as YAML: \(error)", "Check the file's text.")])
        }
        throw SpecError(
            problems: [problem(nil, "is empty", "Write at least name, source, queries and sinks.")])
    }

    func problem(_ position: SpecPosition?, _ message: String, _ advice: String) -> SpecProblem {
        SpecProblem(file: file, position: position, message: message, advice: advice)
    }

    private func problem(of error: YamlError) -> SpecProblem {
        switch error {
        case .scanner(let context, let text, let mark, _), .parser(let context, let text, let mark, _),
            .composer(let context, let text, let mark, _):
            let position = SpecPosition(mark)
            let whole = context.map { "\($0.text) (line \($0.mark.line)), \(text)" } ?? text
            return problem(position, "not YAML: \(whole.replacing("\n", with: " "))", advice(at: position))
        case .reader(let text, let offset, _, _):
            let position = offset.flatMap(position(ofCharacter:))
            return problem(position, "not YAML: \(text)", "Take that character out; text files of a spec are UTF-8.")
        case .duplicatedKeysInMapping(let keys, let context):
            let keys = keys.sorted()
            let subject = keys.count == 1 ? "the key \(keys.listed.quoted) is" : "the keys \(keys.listed) are"
            return problem(
                SpecPosition(context.mark),
                "\(subject) given more than once in the same mapping",
                "Keep one of each: here \(keys[0].quoted) stands for the first time."
            )
        default:
            return problem(nil, "not YAML: \(error)", "Check the file's text.")
        }
    }

    /// Where a line of the text may have misled the parser.
    private func advice(at position: SpecPosition) -> String {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        let line = lines.indices.contains(position.line - 1) ? lines[position.line - 1] : ""
        if line.contains("\t") { return "Indent with blanks: YAML does not take tabs." }
        if line.contains(Variables.mark), line.contains(where: { $0 == "[" || $0 == "," }) || line.contains(": {") {
            return "Put quotes around a value with ${…} in it when it stands within { } or [ ]."
        }
        return "Check indentation, colons and quotes here and in the line above."
    }

    private func position(ofCharacter offset: Int) -> SpecPosition? {
        guard offset <= text.count else { return nil }
        let before = text.prefix(offset)
        let lineStart = before.lastIndex(where: \.isNewline).map { before.index(after: $0) } ?? before.startIndex
        return SpecPosition(
            line: before.count(where: \.isNewline) + 1,
            column: before[lineStart...].unicodeScalars.count + 1
        )
    }
}

extension SpecPosition {
    init(_ mark: Mark) {
        self.init(line: mark.line, column: mark.column)
    }
}

extension Node {
    /// Whether a value was left out, or written `null` or `~`.
    var isNothing: Bool {
        guard case .scalar(let scalar) = self, scalar.style == .plain else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    var isPlain: Bool {
        if case .scalar(let scalar) = self { return scalar.style == .plain }
        return false
    }
}
