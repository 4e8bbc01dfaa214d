public import SQLConnectors

/// What can be known of a spec before anything is written: that its SQL is right, and that its sinks can take the records.
public struct CheckedQuery: Sendable {
    /// The query's name.
    public var name: String
    /// Its columns and key.
    public var schema: RecordSchema
}

/// Checks a spec against its source and sinks, and changes nothing.
public enum SpecCheck {
    /// Prepares every query and looks at every sink, but for databases on which hooks run before.
    ///
    /// - Throws: ``SourceError``, ``SinkError``, ``SourceUnavailable`` or ``TargetUnavailable``.
    public static func check(_ spec: BackfillSpec) async throws -> [CheckedQuery] {
        // What a hook makes before the first record cannot be looked at yet; the run itself checks it behind the hook.
        let prepared = spec.preparedPlaces
        if prepared.contains(spec.source.place) { return [] }
        let checked = try await queries(of: spec)
        // Nothing is opened by making them, and a run id is only written with the first record.
        for (described, sink) in zip(spec.sinks, try spec.makeSinks(for: RunID(rawValue: spec.name))) {
            if case .table(let table) = described, prepared.contains(table.database.place) { continue }
            for query in checked { try await sink.check(query.schema) }
        }
        return checked
    }

    /// Prepares every query, and looks at no sink: those of a run that is carried on are its own.
    ///
    /// - Throws: ``SourceError`` or ``SourceUnavailable``.
    public static func queries(of spec: BackfillSpec) async throws -> [CheckedQuery] {
        let source = try spec.openSource(session: "backfill check \(spec.name)")
        var checked: [CheckedQuery] = []
        for query in spec.queries {
            checked.append(
                CheckedQuery(name: query.name, schema: try await source.check(try spec.sourceQuery(named: query.name)))
            )
        }
        return checked
    }
}

extension BackfillSpec {
    /// The databases on which hooks run before the first record.
    var preparedPlaces: [ConnectionString.Place] {
        hooks.compactMap { hook in
            if hook.moment == .before, case .sql(_, let database) = hook.action { database.place } else { nil }
        }
    }
}
