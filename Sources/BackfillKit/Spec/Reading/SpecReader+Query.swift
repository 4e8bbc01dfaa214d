import Foundation
import Yams

extension SpecReader {
    mutating func queries(_ field: SpecField, lanes: [String: LaneSpec]?, frozenSQL: [String: String]) -> [QuerySpec]? {
        guard let entries = list(field, of: "queries") else { return nil }
        if entries.isEmpty {
            note(field, "there is no query", "Add one, such as `- {name: all, sql: all.sql, key: id}`.")
        }
        var firstLines: [String: Int] = [:]
        return entries.compactMap { entry in
            guard let mapping = mapping(entry, keys: ["name", "sql", "key", "lane", "error-budget", "parameters"])
            else {
                return nil
            }
            let name = required("name", in: mapping, example: "name: all").flatMap { self.name($0) }
            if let name, let place = mapping["name"] {
                if let line = firstLines[name] {
                    note(
                        place,
                        "the query in line \(line) has the same name",
                        "Give each query a name of its own."
                    )
                } else {
                    firstLines[name] = place.position.line
                }
            }
            let sql = required("sql", in: mapping, example: "sql: queries/all.sql")
                .flatMap { sqlText($0, frozen: name.flatMap { frozenSQL[$0] }) }
            let key = required("key", in: mapping, example: "key: id").flatMap { text($0, expected: "a column") }
            let lane = mapping["lane"].flatMap { self.lane($0, among: lanes) }
            let errorBudget = mapping["error-budget"].flatMap { tolerance($0) }
            let parameters = mapping["parameters"].flatMap { self.parameters($0) } ?? [:]
            guard let name, let sql, let key else { return nil }
            return QuerySpec(
                name: name,
                sql: sql,
                key: key.value,
                lane: lane,
                errorBudget: errorBudget,
                parameters: parameters
            )
        }
    }

    private mutating func lane(_ field: SpecField, among lanes: [String: LaneSpec]?) -> String? {
        guard let text = text(field, expected: "a lane") else { return nil }
        // Lanes that could not be read are noted where they stand.
        guard let lanes, lanes[text.value] == nil else { return text.value }
        let advice =
            lanes.isEmpty || text.hasVariables
            ? "Add it, such as `lanes: {\(text.shown): 4}`."
            : Nearest.advice(for: text.value, among: lanes.keys.sorted())
        note(field, "the lane \(text.shown.quoted) is not listed in lanes", advice)
        return nil
    }

    private mutating func parameters(_ field: SpecField) -> [String: ParameterValue]? {
        guard let entries = entries(field, expected: "a mapping of parameters to values") else { return nil }
        var parameters: [String: ParameterValue] = [:]
        for (key, value) in entries {
            let isName =
                !key.name.isEmpty && key.name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
            if !isName || key.name.first?.isNumber == true {
                note(
                    SpecField(key.node, path: field.path),
                    "\(key.name.quoted) cannot be a parameter's name",
                    "Write letters, digits and _ without the colon: `since` is what the SQL calls :since."
                )
            }
            if let value = parameter(value) { parameters[key.name] = value }
        }
        return parameters
    }

    private mutating func parameter(_ field: SpecField) -> ParameterValue? {
        if field.node.isNothing { return .null }
        // Empty text is a value as good as any other here.
        if case .scalar(let scalar) = field.node, scalar.string.isEmpty {
            return .text(SecretText(secret: "", redacted: ""))
        }
        if case .scalar(let scalar) = field.node, scalar.string.allSatisfy(\.isWhitespace) {
            return .text(SecretText(secret: scalar.string, redacted: scalar.string))
        }
        guard let text = text(field, expected: "a number or text") else { return nil }
        if text.isPlain, !text.hasVariables {
            if ["true", "false"].contains(text.value.lowercased()) {
                note(
                    field,
                    "\(text.value) means different things to different databases",
                    "Write 1 or 0, or \"\(text.value)\" in quotes, as the query's database takes it."
                )
                return nil
            }
            if let number = number(text.value) { return number }
        }
        return .text(SecretText(secret: text.value, redacted: text.shown))
    }

    /// Numbers as JSON writes them; everything else, such as `007`, `0x10`, `1_000` or `nan`, is text.
    private func number(_ text: String) -> ParameterValue? {
        guard text.wholeMatch(of: #/-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/#) != nil else { return nil }
        if let integer = Int64(text) { return .integer(integer) }
        // An integer that does not fit would lose digits as a double.
        guard text.contains(where: { ".eE".contains($0) }), let real = Double(text), real.isFinite else { return nil }
        return .real(real)
    }

    mutating func sqlText(_ field: SpecField, frozen: String?) -> SQLText? {
        guard let raw = scalar(field, expected: "SQL or the path of a .sql file") else { return nil }
        if raw.contains(where: \.isNewline) || !raw.trimmingBlanks.lowercased().hasSuffix(".sql") {
            return inlineSQL(raw, at: field)
        }
        guard let path = text(field) else { return nil }
        let shown = files.shown(path.shown.trimmingBlanks.description)
        if let frozen { return SQLText(text: frozen, origin: shown) }
        do throws(SpecFiles.Failure) {
            let text = try SpecFiles.readText(files.url(path.value.trimmingBlanks.description))
            if text.allSatisfy(\.isWhitespace) {
                throw SpecFiles.Failure(message: "is empty", advice: "Write SQL into it.")
            }
            return SQLText(text: text, origin: shown)
        } catch {
            note(field, "the SQL file \(shown.quoted) \(error.message)", error.advice)
            return nil
        }
    }

    private mutating func inlineSQL(_ raw: String, at field: SpecField) -> SQLText? {
        if raw.allSatisfy(\.isWhitespace) {
            note(field, "is empty", "Write SQL, or the path of a .sql file.")
            return nil
        }
        if raw.utf8.contains(0) {
            note(field, "holds a NUL character", "Take it out: the database would read no further.")
            return nil
        }
        let variables = Variables(in: raw, environment: [:])
        if let fault = variables.faults.first {
            let name = if case .notSet(let name) = fault.fault { name } else { "NAME" }
            let position = source.position(ofVariableMark: fault.marksBefore, after: field.position)
            noteUnreplaced(name, at: position, in: field)
            return nil
        }
        return SQLText(text: variables.value, origin: "\(files.shownFile):\(field.position)")
    }

    private mutating func noteUnreplaced(_ name: String, at position: SpecPosition, in field: SpecField) {
        let place = SpecField(field.node, path: field.path, position: position)
        note(
            place,
            "variables are not replaced in SQL",
            "Bind a parameter: `parameters: {\(name.lowercased()): \"${\(name)}\"}` and :\(name.lowercased()) in the SQL."
        )
    }
}
