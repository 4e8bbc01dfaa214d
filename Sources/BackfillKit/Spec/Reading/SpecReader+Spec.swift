import Foundation
import Yams

extension SpecReader {
    private static let keys = [
        "name", "engine", "source", "queries", "consistent", "stage", "lanes", "buckets", "batch", "executors",
        "history-limit",
        "tolerate", "error-budget", "retry", "pace", "probes", "window",
        "sinks", "before", "after", "on-success", "on-failure",
    ]

    /// The whole spec; nil when problems were noted.
    mutating func spec(_ root: SpecField, frozenSQL: [String: String]) -> BackfillSpec? {
        guard let mapping = mapping(root, keys: Self.keys) else { return nil }
        // Everything is read before anything is given up, so that all problems are found.
        let name = required("name", in: mapping, example: "name: customers").flatMap { self.name($0) }
        let database = required("source", in: mapping, example: "source: sqlite:customers.sqlite")
            .flatMap { connectionString($0) }
        let engine = mapping["engine"].flatMap { self.engine($0) }
        let lanes = mapping["lanes"].map { self.lanes($0) } ?? [:]
        let queries = required("queries", in: mapping, example: "queries: [{name: all, sql: all.sql, key: id}]")
            .flatMap { self.queries($0, lanes: lanes, frozenSQL: frozenSQL) }
        let isConsistent = mapping["consistent"].map { consistency($0, source: database) } ?? false
        let buckets = mapping["buckets"].map { bucketSizing($0) } ?? .standard
        let stage = mapping["stage"].map { self.stage($0, mapping, isConsistent, buckets) } ?? .file
        let batch = mapping["batch"].map { batchBounds($0) } ?? .standard
        let executors = mapping["executors"].map { wholeNumber($0, in: BackfillSpec.Bounds.executors) } ?? 8
        let historyLimit =
            mapping["history-limit"].map { wholeNumber($0, in: BackfillSpec.Bounds.historyLimit) } ?? 25_000
        let tolerate = mapping["tolerate"].map { tolerance($0) } ?? Tolerance.none
        let errorBudget = mapping["error-budget"].flatMap { tolerance($0) }
        let retry = mapping["retry"].map { retries($0) } ?? (.standard, [:])
        let pace = mapping["pace"].map { self.pace($0) } ?? .unlimited
        let windows = mapping["window"].flatMap { self.windows($0) } ?? []
        let sinks = required("sinks", in: mapping, example: "sinks: [{file: {path: out.ndjson}}]")
            .flatMap { self.sinks($0, source: database, queries: queries) }
        let probes = mapping["probes"].flatMap { self.probes($0, source: database, sinks: sinks) } ?? []
        let hooks = hooks(mapping, source: database, sinks: sinks, frozenSQL: frozenSQL)
        guard problems.isEmpty, let name, let database, let queries, let isConsistent, let stage, let lanes,
            let buckets,
            let batch, let executors,
            let historyLimit,
            let tolerate, let retry, let pace, let sinks
        else { return nil }
        return BackfillSpec(
            file: files.file.path,
            sourceText: source.text,
            name: name,
            source: database,
            queries: queries,
            isConsistent: isConsistent,
            engine: engine,
            stage: stage,
            lanes: lanes,
            pace: pace,
            probes: probes,
            windows: windows,
            buckets: buckets,
            batch: batch,
            executors: executors,
            historyLimit: historyLimit,
            tolerate: tolerate,
            errorBudget: errorBudget,
            retry: retry.publish,
            stepRetries: retry.steps,
            hooks: hooks,
            sinks: sinks
        )
    }

    private mutating func engine(_ field: SpecField) -> String? {
        guard let text = text(field) else { return nil }
        if text.value == "embedded" || text.value.hasPrefix("temporal://") { return text.value }
        note(field, "there is no engine \(text.shown.quoted)", "Write embedded, or temporal://HOST:7233/NAMESPACE.")
        return nil
    }

    private mutating func consistency(_ field: SpecField, source: ConnectionString?) -> Bool? {
        guard let isConsistent = boolean(field) else { return nil }
        if isConsistent, case .sqlite = source?.place {
            note(
                field,
                "a SQLite source cannot show one instant to several queries",
                "Take it out, and make one query of them if they have to agree."
            )
        }
        return isConsistent
    }

    private mutating func stage(
        _ field: SpecField,
        _ mapping: SpecMapping,
        _ isConsistent: Bool?,
        _ buckets: BucketSizing?
    ) -> Stage? {
        let stage = choice(field, of: Stage.self)
        guard stage == .direct else { return stage }
        if isConsistent == true, let place = mapping["consistent"] {
            note(
                place,
                "does not go with `stage: direct`, which reads at the source as long as the run takes",
                "Take one of the two out: only what is staged in a file keeps one instant through a crash."
            )
        }
        if buckets?.measure == .bytes, let place = mapping["buckets"] {
            note(
                place,
                "`by: bytes` does not go with `stage: direct`, which sees keys and not records when it cuts",
                "Write a number of buckets, or their size in records, such as {size: 100000}."
            )
        }
        return stage
    }

    private mutating func lanes(_ field: SpecField) -> [String: LaneSpec]? {
        guard let entries = entries(field, expected: "a mapping of lanes to limits") else { return nil }
        var lanes: [String: LaneSpec] = [:]
        for (key, value) in entries {
            let name = name(key.name, found: key.name.quoted, at: SpecField(key.node, path: field.path))
            let lane = lane(value)
            // A lane whose limit is wrong is listed nevertheless: its queries are not to blame.
            if let name { lanes[name] = lane ?? LaneSpec(queries: 1) }
        }
        return lanes
    }

    private mutating func lane(_ field: SpecField) -> LaneSpec? {
        guard case .mapping = field.node else {
            return wholeNumber(
                field,
                in: BackfillSpec.Bounds.laneLimit,
                or: "a mapping such as {queries: 1, pace: 500/s}"
            )
            .map { LaneSpec(queries: $0) }
        }
        guard let mapping = mapping(field, keys: ["queries", "pace"]) else { return nil }
        let queries = mapping["queries"].flatMap { wholeNumber($0, in: BackfillSpec.Bounds.laneLimit) }
        let pace = mapping["pace"].flatMap { self.pace($0) } ?? .unlimited
        if mapping["queries"] == nil, mapping["pace"] == nil {
            note(field, "limits nothing", "Add `queries: 1` or `pace: 500/s`, or write a whole number.")
        }
        return LaneSpec(queries: queries, pace: pace)
    }

    private mutating func bucketSizing(_ field: SpecField) -> BucketSizing? {
        guard case .mapping = field.node else {
            return wholeNumber(field, in: BackfillSpec.Bounds.bucketCount, or: "a mapping such as {size: 64 MiB}")
                .map { BucketSizing(measure: .records, target: .count($0)) }
        }
        guard let mapping = mapping(field, keys: ["count", "size", "by"]) else { return nil }
        let given = mapping["by"].map { choice($0, of: BucketSizing.Measure.self) }
        if let count = mapping["count"] {
            if let size = mapping["size"] {
                note(size, "stands beside count", "Keep one: a count of buckets, or the size of each.")
            }
            guard let number = wholeNumber(count, in: BackfillSpec.Bounds.bucketCount), let measure = given ?? .records
            else { return nil }
            return BucketSizing(measure: measure, target: .count(number))
        }
        guard let size = mapping["size"] else {
            note(field, "has neither count nor size", "Add one, such as `count: 8` or `size: 100000`.")
            return nil
        }
        guard let text = text(size, expected: "a number of records or a byte size") else { return nil }
        let isPlainNumber = WholeNumber.parse(text.value.trimmingBlanks) != nil
        guard let measure = given ?? (isPlainNumber ? .records : .bytes) else { return nil }
        if measure == .records {
            if !isPlainNumber {
                note(size, "expected a number of records, found \(text.found)", "Write a whole number, or `by: bytes`.")
                return nil
            }
            return wholeNumber(size, in: 1...Int.max).map { BucketSizing(measure: .records, target: .size(Int64($0))) }
        }
        return byteCount(size, in: 1...Int.max).map { BucketSizing(measure: .bytes, target: .size(Int64($0))) }
    }

    private mutating func batchBounds(_ field: SpecField) -> BatchBounds? {
        var bounds = BatchBounds.standard
        guard case .mapping = field.node else {
            let alternative = "a mapping such as {records: 1000, bytes: 4 MiB}"
            guard let records = wholeNumber(field, in: BackfillSpec.Bounds.batchRecords, or: alternative) else {
                return nil
            }
            bounds.records = records
            return bounds
        }
        guard let mapping = mapping(field, keys: ["records", "bytes", "target", "min", "max"]) else { return nil }
        if let records = mapping["records"].flatMap({ wholeNumber($0, in: BackfillSpec.Bounds.batchRecords) }) {
            bounds.records = records
        }
        bounds.target = batchTarget(mapping)
        if let bytes = mapping["bytes"].flatMap({ byteCount($0, in: BackfillSpec.Bounds.batchBytes) }) {
            bounds.byteCount = bytes
        }
        return bounds
    }

    private mutating func batchTarget(_ mapping: SpecMapping) -> BatchTarget? {
        let most = BackfillSpec.Bounds.batchRecords
        guard let target = mapping["target"] else {
            if let place = mapping["min"] ?? mapping["max"] {
                note(place, "has no meaning without target", "Add `target: 500ms`, or write `records: …` instead.")
            }
            return nil
        }
        let minimum = mapping["min"].map { wholeNumber($0, in: most) } ?? 10
        let maximum = mapping["max"].map { wholeNumber($0, in: most) } ?? 20_000
        guard let duration = duration(target), let minimum, let maximum else { return nil }
        if minimum > maximum {
            note(mapping["min"] ?? target, "is more than max, \(maximum)", "Write a smaller one, or a larger max.")
        }
        return BatchTarget(duration: duration, minimum: minimum, maximum: max(minimum, maximum))
    }

    private mutating func byteCount(_ field: SpecField, in bounds: ClosedRange<Int>) -> Int? {
        guard let text = text(field, expected: "a byte size") else { return nil }
        guard let count = quantity(of: text, expected: "a byte size such as 4 MiB", Quantity.byteCount) else {
            return nil
        }
        if bounds.contains(count) { return count }
        note(
            field,
            "\(text.found) is out of bounds",
            "Write at least \(bounds.lowerBound) byte"
                + (bounds.upperBound == Int.max ? "." : " and at most \(bounds.upperBound) bytes.")
        )
        return nil
    }

    mutating func tolerance(_ field: SpecField) -> Tolerance? {
        guard let text = text(field, expected: "a count or a per cent") else { return nil }
        return quantity(of: text, expected: "a count such as 20 or a per cent such as 0.1%") {
            (text) throws(QuantityError) in try Tolerance(parsing: text)
        }
    }

    /// Reads a number with a unit; the problem that is noted does not show what a variable holds.
    mutating func quantity<Result>(
        of text: ReadText,
        expected: String,
        _ parse: (String) throws(QuantityError) -> Result
    ) -> Result? {
        do throws(QuantityError) {
            return try parse(text.value)
        } catch {
            if text.hasVariables {
                note(text.field, "expected \(expected), found \(text.found)", "Set the variable to \(expected).")
            } else {
                note(text.field, error)
            }
            return nil
        }
    }
}
