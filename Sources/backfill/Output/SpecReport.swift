import BackfillKit
import Foundation
import SQLConnectors

/// What `run --dry-run` says.
enum SpecReport {
    static func print(_ spec: BackfillSpec, _ checked: [CheckedQuery], json: Bool) throws {
        if json {
            try Output.json(
                Report(
                    name: spec.name,
                    queries: checked.map {
                        .init(name: $0.name, key: $0.schema.keyName, columns: $0.schema.columns.map(\.name))
                    }
                )
            )
            return
        }
        Output.result("\(spec.name): the spec, its SQL and its sinks are right; a run would")
        for hook in spec.hooks where hook.moment == .before { Output.result("  \(describe(hook))") }
        if checked.isEmpty { Output.result("  stage the queries, which a hook on the source has to run before") }
        for query in checked {
            Output.result(
                "  stage query \(query.name) (key \(query.schema.keyName); columns \(query.schema.columns.map(\.name).joined(separator: ", ")))"
            )
        }
        Output.result(
            "  publish in batches of at most \(spec.batch.records) records with \(spec.executors) executors at once to"
        )
        for sink in spec.sinks { Output.result("    \(describe(sink))") }
        for hook in spec.hooks where hook.moment != .before { Output.result("  \(describe(hook))") }
        Output.result("nothing was changed")
    }

    private struct Report: Encodable {
        struct Query: Encodable {
            var name: String
            var key: String
            var columns: [String]
        }
        var name: String
        var queries: [Query]
    }

    private static func describe(_ hook: HookSpec) -> String {
        switch hook.action {
        case .sql(let sql, let database): "\(hook.moment.rawValue): run \(sql.origin) on \(database)"
        case .post(let url): "\(hook.moment.rawValue): send the report to \(url)"
        }
    }

    private static func describe(_ body: HTTPSinkSpec.Body) -> String {
        switch body {
        case .record: "a record a request"
        case .array: "a batch a request, as a JSON array"
        case .ndjson: "a batch a request, as NDJSON"
        }
    }

    private static func describe(_ sink: SinkSpec) -> String {
        switch sink {
        case .table(let table): "table \(table.name) in \(table.database), \(table.mode.rawValue)"
        case .http(let http): "\(http.method.rawValue) \(http.url), \(describe(http.body))"
        case .file(let file): "file \(file.file.path), \(file.format.rawValue)"
        }
    }
}
