import Foundation
import Yams

extension SpecReader {
    /// The hooks under all four keys, in the order in which they run.
    mutating func hooks(
        _ mapping: SpecMapping,
        source: ConnectionString?,
        sinks: [SinkSpec]?,
        frozenSQL: [String: String]
    ) -> [HookSpec] {
        var hooks: [HookSpec] = []
        for moment in HookSpec.Moment.allCases {
            guard let field = mapping[moment.rawValue] else { continue }
            // One hook needs no list around it.
            let entries =
                switch field.node {
                case .sequence: list(field, of: "hooks") ?? []
                default: [field]
                }
            for (index, entry) in entries.enumerated() {
                let name = "\(moment.rawValue)/\(index + 1)"
                if let action = action(entry, moment, source: source, sinks: sinks, frozen: frozenSQL[name]) {
                    hooks.append(HookSpec(moment: moment, number: index + 1, action: action))
                }
            }
        }
        return hooks
    }

    private mutating func action(
        _ field: SpecField,
        _ moment: HookSpec.Moment,
        source: ConnectionString?,
        sinks: [SinkSpec]?,
        frozen: String?
    ) -> HookSpec.Action? {
        guard let mapping = mapping(field, keys: ["sql", "on", "post"]) else { return nil }
        if let post = mapping["post"] {
            if let other = mapping["sql"] ?? mapping["on"] {
                note(other, "stands beside post", "Keep one: what to run on a database, or where to send the report.")
                return nil
            }
            guard moment == .onSuccess || moment == .onFailure else {
                note(post, "there is no report yet", "Write it under on-success or on-failure.")
                return nil
            }
            return url(post).map(HookSpec.Action.post)
        }
        let sql = required("sql", in: mapping, example: "sql: ANALYZE customers").flatMap {
            sqlText($0, frozen: frozen)
        }
        let database = required("on", in: mapping, example: "on: target").flatMap {
            hookDatabase($0, source: source, sinks: sinks)
        }
        guard let sql, let database else { return nil }
        return .sql(sql, on: database)
    }

    mutating func url(_ field: SpecField) -> SecretText? {
        guard let text = text(field, expected: "a URL") else { return nil }
        guard let url = URL(string: text.value), ["http", "https"].contains(url.scheme?.lowercased()),
            url.host?.isEmpty == false
        else {
            note(field, "expected a URL, found \(text.found)", "Write http://host/path or https://host/path.")
            return nil
        }
        // A query may hold a token that is written out; the place says enough.
        let place = text.shown.prefix { $0 != "?" && $0 != "#" }
        return SecretText(
            secret: text.value,
            redacted: Redaction.redact(String(place)) + (place.endIndex < text.shown.endIndex ? "?…" : "")
        )
    }

    private mutating func hookDatabase(_ field: SpecField, source: ConnectionString?, sinks: [SinkSpec]?)
        -> ConnectionString?
    {
        guard let text = text(field, expected: "source, target or a connection string") else { return nil }
        switch text.value {
        case "source": return source
        case "target":
            // Sinks that could not be read are noted where they stand.
            guard let sinks else { return nil }
            let databases = sinks.compactMap { sink -> ConnectionString? in
                if case .table(let table) = sink { table.database } else { nil }
            }
            guard let first = databases.first else {
                note(field, "there is no table sink", "Write a connection string, such as sqlite:<path>.")
                return nil
            }
            guard databases.allSatisfy({ $0.place == first.place }) else {
                note(
                    field,
                    "the table sinks write to several databases",
                    "Write the connection string of the one that is meant."
                )
                return nil
            }
            return first
        default: return connectionString(field)
        }
    }
}
