/// `probes`.
extension SpecReader {
    private static let questions = ["sql", "http", "replication-lag", "active-connections", "long-transactions"]

    mutating func probes(_ field: SpecField, source: ConnectionString?, sinks: [SinkSpec]?) -> [ProbeSpec]? {
        guard let entries = list(field, of: "probes") else { return nil }
        var names: Set<String> = []
        return entries.compactMap { entry in
            guard let mapping = mapping(entry, keys: Self.questions + ["name", "on", "every", "timeout"]) else {
                return nil
            }
            let asked = Self.questions.filter { mapping[$0] != nil }
            guard asked.count == 1, let kind = asked.first, let question = mapping[kind] else {
                note(
                    entry,
                    asked.isEmpty ? "asks nothing" : "asks several things: \(asked.listed)",
                    "Write one of \(Self.questions.listed) for each probe."
                )
                return nil
            }
            let name = mapping["name"].map { self.name($0) } ?? freeName(kind, among: names)
            let every = mapping["every"].map { duration($0) } ?? .seconds(5)
            let timeout = mapping["timeout"].map { duration($0) } ?? .seconds(5)
            if let every, every < .seconds(1), let place = mapping["every"] {
                note(place, "asks too often", "Write at least 1s.")
            }
            let read = self.question(kind, question, mapping, source: source, sinks: sinks)
            guard let name, let every, let timeout, let read else { return nil }
            if !names.insert(name).inserted {
                note(mapping["name"] ?? entry, "another probe is called \(name.quoted)", "Give each a name of its own.")
            }
            return ProbeSpec(name: name, question: read, every: every, timeout: timeout)
        }
    }

    private func freeName(_ kind: String, among names: Set<String>) -> String? {
        (1...).lazy.map { $0 == 1 ? kind : "\(kind)-\($0)" }.first { !names.contains($0) }
    }

    private mutating func question(
        _ kind: String,
        _ field: SpecField,
        _ mapping: SpecMapping,
        source: ConnectionString?,
        sinks: [SinkSpec]?
    ) -> ProbeSpec.Question? {
        if kind == "http" {
            if let on = mapping["on"] { note(on, "has no meaning beside http", "Take it out.") }
            return url(field).map(ProbeSpec.Question.http)
        }
        let database = required("on", in: mapping, example: "on: target").flatMap {
            hookDatabase($0, source: source, sinks: sinks)
        }
        if kind == "sql" {
            let sql = sqlText(field, frozen: nil)
            guard let sql, let database else { return nil }
            return .sql(sql, on: database)
        }
        if let database, case .sqlite = database.place {
            note(
                mapping["on"] ?? field,
                "\(kind) asks PostgreSQL servers only",
                "Write `sql: …` for a SQLite database."
            )
        }
        switch kind {
        case "active-connections":
            let limit = wholeNumber(field, in: BackfillSpec.Bounds.activeConnections)
            guard let limit, let database else { return nil }
            return .activeConnections(limit, on: database)
        default:
            let limit = duration(field)
            guard let limit, let database else { return nil }
            return kind == "replication-lag"
                ? .replicationLag(limit, on: database) : .longTransactions(limit, on: database)
        }
    }
}
