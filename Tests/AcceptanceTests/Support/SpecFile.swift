/// A spec as these tests write it: one query over `person`, and what a test is about in `more`.
struct SpecFile {
    var name = "people"
    var sql = "SELECT id, name, note, score FROM person ORDER BY id"
    /// As it stands in YAML.
    var source = "sqlite:source.sqlite"
    var sinks = [SpecFile.upsert()]
    /// Further top-level keys, one a line.
    var more = ["buckets: 4", "batch: 100"]

    var text: String {
        """
        name: \(name)
        source: \(source)
        queries:
          - {name: all, sql: "\(sql)", key: id}
        \(more.joined(separator: "\n"))
        sinks:
        \(sinks.map { "  - \($0)" }.joined(separator: "\n"))
        """
    }

    static func upsert(
        _ table: String = "person",
        in database: String = "target.sqlite",
        create: Bool = true
    ) -> String {
        "table: {database: \"sqlite:\(database)\", name: \(table), mode: upsert, create: \(create)}"
    }

    static func append(_ table: String, in database: String = "target.sqlite") -> String {
        "table: {database: \"sqlite:\(database)\", name: \(table), mode: append, create: true}"
    }

    static func file(_ path: String) -> String { "file: {path: \(path)}" }

    /// A sink that cannot be reached is given up soon.
    static let fewAttempts = "retry: {maximum-attempts: 2, initial-interval: 10ms}"
}

extension Workplace {
    /// Writes `spec.yaml`.
    func write(_ spec: SpecFile) throws { try write(spec.text, to: "spec.yaml") }
}
