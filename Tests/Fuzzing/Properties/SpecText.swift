@testable import BackfillKit

/// Specs whose variables hold a secret that no text about a spec may show.
enum SpecText {
    static let secret = "hunter2-secret"
    static let environment = ["PASSWORD": secret, "EMPTY": "", "NESTED": "${PASSWORD}"]

    /// Reads a spec; nil when it has problems, which are checked.
    static func parse(_ text: String) throws -> BackfillSpec? {
        do throws(SpecError) {
            return try BackfillSpec.parse(text: text, file: "/nowhere/spec.yaml", environment: environment)
        } catch {
            let lines =
                text.unicodeScalars.count(where: { "\n\r\u{85}\u{2028}\u{2029}".unicodeScalars.contains($0) }) + 2
            try require(!error.problems.isEmpty, "a spec was refused without a problem")
            for problem in error.problems {
                try require(!problem.message.isEmpty && !problem.advice.isEmpty, "a problem without words: \(problem)")
                try require(!problem.description.contains(secret), "a problem shows a secret: \(problem)")
                if let position = problem.position {
                    try require((1...lines).contains(position.line), "line \(position.line) of \(lines): \(problem)")
                    try require(position.column >= 1, "column \(position.column): \(problem)")
                }
            }
            return nil
        }
    }

    /// A small spec, some of its keys given.
    static func complete(_ values: [String: String]) -> String {
        let standard = [
            "name": "customers", "source": "sqlite:customers.sqlite",
            "queries": "[{name: all, sql: SELECT 1, key: id}]",
            "sinks": "[{file: {path: out.ndjson}}]",
        ]
        return standard.merging(values) { $1 }.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
            .joined(separator: "\n")
    }

    /// Any text as a value of YAML.
    static func quoted(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "\"") { quoted, scalar in
            if scalar.isASCII, scalar.value >= 0x20, scalar.value < 0x7F, scalar != "\"", scalar != "\\" {
                quoted.unicodeScalars.append(scalar)
            } else {
                let digits = String(scalar.value, radix: 16)
                quoted += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
            }
        } + "\""
    }
}
