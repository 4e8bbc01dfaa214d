import Foundation
import Testing

/// A result printed with `--json`, looked into by path.
struct JSONResult {
    private let root: Any?

    /// - Throws: when stdout is not exactly one JSON value.
    init(_ end: ProgramEnd, sourceLocation: SourceLocation = #_sourceLocation) throws {
        do {
            root = try JSONSerialization.jsonObject(with: Data(end.output.utf8))
        } catch {
            Issue.record("not JSON: \(end.all)", sourceLocation: sourceLocation)
            throw error
        }
    }

    /// - Throws: when the text is not exactly one JSON value.
    init(text: String) throws { root = try JSONSerialization.jsonObject(with: Data(text.utf8)) }

    private init(part: Any?) { root = part }

    subscript(_ key: String) -> JSONResult { JSONResult(part: (root as? [String: Any])?[key]) }
    subscript(_ index: Int) -> JSONResult {
        let array = root as? [Any] ?? []
        return JSONResult(part: array.indices.contains(index) ? array[index] : nil)
    }

    var text: String? { root as? String }
    var truth: Bool? { root as? Bool }
    var integer: Int? { (root as? NSNumber)?.intValue }
    var elements: [JSONResult] { (root as? [Any] ?? []).map { JSONResult(part: $0) } }
    var keys: Set<String> { Set((root as? [String: Any] ?? [:]).keys) }
}
