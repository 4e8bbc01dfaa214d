import Foundation

extension SpecReader {
    mutating func sinks(_ field: SpecField, source: ConnectionString?, queries: [QuerySpec]?) -> [SinkSpec]? {
        guard let entries = list(field, of: "sinks") else { return nil }
        var firstLines: [String: Int] = [:]
        return entries.compactMap { entry in
            guard let (kind, body) = kind(of: entry) else { return nil }
            let sink: SinkSpec?
            switch kind {
            case "table": sink = tableSink(body, queries: queries).map(SinkSpec.table)
            case "http": sink = httpSink(body).map(SinkSpec.http)
            default: sink = fileSink(body, source: source).map(SinkSpec.file)
            }
            guard let sink else { return nil }
            if let line = firstLines[sink.target] {
                note(
                    body,
                    "writes to the same place as the sink in line \(line)",
                    "Take one out, or name another place."
                )
            } else {
                firstLines[sink.target] = body.position.line
            }
            return sink
        }
    }

    /// The only key of an entry and what belongs to it.
    private mutating func kind(of entry: SpecField) -> (kind: String, body: SpecField)? {
        let known = ["table", "file", "http"]
        guard let entries = entries(entry, expected: "a sink such as `table: {…}` or `file: {…}`") else { return nil }
        guard let (key, body) = entries.first else {
            note(entry, "names no sink", "Known are \(known.listed).")
            return nil
        }
        guard entries.count == 1 else {
            let names = entries.map(\.key.name).listed
            note(
                entry,
                "expected one sink, found the keys \(names)",
                "Write one sink for each `- `, and indent what belongs to it below its name."
            )
            return nil
        }
        guard known.contains(key.name) else {
            note(
                SpecField(key.node, path: entry.path),
                "unknown sink \(key.name.quoted)",
                Nearest.advice(for: key.name, among: known)
            )
            return nil
        }
        return (key.name, body)
    }

    private mutating func tableSink(_ field: SpecField, queries: [QuerySpec]?) -> TableSinkSpec? {
        guard let mapping = mapping(field, keys: ["database", "name", "mode", "create", "key", "unless-newer"]) else {
            return nil
        }
        let database = required("database", in: mapping, example: "database: sqlite:target.sqlite").flatMap {
            connectionString($0)
        }
        let name = required("name", in: mapping, example: "name: customer_config").flatMap {
            text($0, expected: "a table")
        }
        let mode = mapping["mode"].map { choice($0, of: TableSinkSpec.Mode.self) } ?? .append
        let creates = mapping["create"].map { boolean($0) } ?? false
        let key = mapping["key"].flatMap { text($0, expected: "a column") }
        let unlessNewer = mapping["unless-newer"].flatMap { text($0, expected: "a column") }
        if mode == .append, let place = mapping["unless-newer"] {
            note(
                place,
                "has no meaning with mode append, which changes no row",
                "Write `mode: upsert`, or take it out."
            )
        }
        let queryKeys = Set(queries?.map(\.key) ?? [])
        if mode == .upsert, mapping["key"] == nil, queryKeys.count > 1 {
            note(
                field,
                "the queries have different keys, so none is the table's",
                "Add `key: <column>`, by which rows of the table are told apart."
            )
        }
        guard let database, let name, let mode, let creates else { return nil }
        return TableSinkSpec(
            database: database,
            name: name.value,
            mode: mode,
            createsTable: creates,
            key: key?.value,
            unlessNewer: unlessNewer?.value
        )
    }

    private mutating func fileSink(_ field: SpecField, source: ConnectionString?) -> FileSinkSpec? {
        guard let mapping = mapping(field, keys: ["path", "format"]) else { return nil }
        let path = required("path", in: mapping, example: "path: out/customers.ndjson").flatMap {
            text($0, expected: "a path")
        }
        let given = mapping["format"].map { choice($0, of: FileFormat.self) }
        guard let path else { return nil }
        let file = files.url(path.value)
        if file.resolvingSymlinksInPath() == files.file.resolvingSymlinksInPath() {
            note(path.field, "the sink would overwrite the spec itself", "Name another file.")
        }
        if case .sqlite(let database) = source?.place,
            database.resolvingSymlinksInPath() == file.resolvingSymlinksInPath()
        {
            note(path.field, "the sink would overwrite the source", "Name another file.")
        }
        guard let format = given ?? FileFormat(pathExtension: file.pathExtension) else {
            if given == nil {
                note(
                    path.field,
                    "the path's extension does not tell the format",
                    "Add `format: ndjson` or `format: csv`."
                )
            }
            return nil
        }
        return FileSinkSpec(file: file, format: format)
    }
}

extension FileFormat {
    fileprivate init?(pathExtension: String) {
        switch pathExtension.lowercased() {
        case "ndjson", "jsonl": self = .ndjson
        case "csv": self = .csv
        default: return nil
        }
    }
}

extension SinkSpec {
    /// The same text for two sinks that would write to the same place, symbolic links followed.
    fileprivate var target: String {
        switch self {
        case .http(let sink): return "\(sink.method.rawValue) \(sink.url.secret)"
        case .file(let sink): return "file \(sink.file.resolvingSymlinksInPath().path)"
        case .table(let sink):
            switch sink.database.place {
            // SQLite takes table names that differ in case for the same.
            case .sqlite(let file): return "table \(sink.name.lowercased()) in \(file.resolvingSymlinksInPath().path)"
            case .postgresql(let url): return "table \(sink.name) in \(url.secret)"
            }
        }
    }
}
