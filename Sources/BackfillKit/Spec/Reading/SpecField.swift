import Yams

/// A value of the spec and where it stands.
struct SpecField {
    let node: Node
    /// The keys that lead to it, such as `batch.records`; empty for the whole file.
    let path: String
    let position: SpecPosition

    /// - Parameter position: where the value stands, if not where its node begins.
    init(_ node: Node, path: String, position: SpecPosition? = nil) {
        self.node = node
        self.path = path
        self.position = position ?? node.mark.map(SpecPosition.init) ?? SpecPosition(line: 1, column: 1)
    }

    /// The value of a key below this one. List entries share their list's path: the position tells them apart.
    func child(_ key: String, _ node: Node) -> SpecField {
        SpecField(node, path: path.isEmpty ? key : "\(path).\(key)")
    }
}

/// A mapping whose keys are known to the spec.
struct SpecMapping {
    let field: SpecField
    let values: [String: SpecField]

    subscript(key: String) -> SpecField? { values[key] }
}

/// Text of the spec with its variables replaced.
struct ReadText {
    let value: String
    /// What error texts may show.
    let shown: String
    let hasVariables: Bool
    /// Written without quotes and not as a block.
    let isPlain: Bool
    let field: SpecField

    /// Names what was found, for "expected …, found …".
    var found: String {
        if hasVariables { return "what \(shown.quoted) holds" }
        if isPlain, Double(value) != nil || ["true", "false"].contains(value.lowercased()) { return value }
        return "text \(Redaction.redact(shown).quoted)"
    }
}
