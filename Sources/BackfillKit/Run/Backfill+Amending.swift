import Foundation
import SQLConnectors

/// What carrying a run on with a mended spec changes.
public struct Amendment: Sendable {
    /// Queries whose SQL, key or parameters were mended: what they have not published is staged anew.
    public var restaged: [String]
    /// Queries that were mended after all of their records had arrived: they stay as they are.
    public var leftAlone: [String]
}

extension Backfill {
    /// Takes the spec of a run anew from its file: limits, retries, hooks and parameters hold from the next pass on, and a query whose SQL
    /// was mended is staged again for those records that no sink has taken; the others are told apart by their keys.
    ///
    /// - Parameter person: who did it.
    /// - Throws: ``RunRefused`` when the run is at work, was cut off or is over, or the spec is another backfill's (other queries or sinks).
    public func amend(_ runID: RunID, with spec: BackfillSpec, by person: String) async throws -> Amendment {
        let run = try await requireIdle(runID)
        if run.state == .complete { throw RunRefused.complete(run: runID) }
        let before = try await requireAmendable(run, with: spec)
        var amendment = Amendment(restaged: [], leftAlone: [])
        var changes: [QueryChange] = []
        let all = try await store.queries(of: runID)
        for stored in all where stored.kind == .query || stored.kind == .catchUp {
            // A catch-up has the place of the spec's query, and a name of its own.
            let (old, new) = (before.queries[stored.position], spec.queries[stored.position])
            guard Self.isMended(old, new) else { continue }
            if stored.direct != nil {
                amendment.leftAlone.append(stored.name)
                continue
            }
            if stored.staged == nil {
                // Under a name of its own: a worker that was taken for dead may still bring what the old SQL selects.
                changes.append(.rewrite(stored.queryID, as: newQueryID(), sql: new.sql.text))
            } else if try await store.isThrough(stored) {
                amendment.leftAlone.append(stored.name)
                continue
            } else {
                let successor = StoredQuery(
                    queryID: newQueryID(),
                    runID: runID,
                    name: stored.name,
                    position: stored.position,
                    lane: new.lane,
                    sql: new.sql.text,
                    state: .pending,
                    kind: stored.kind,
                    originID: stored.originID,
                    subscription: stored.subscription,
                    skips: (stored.skips ?? []) + [stored.queryID]
                )
                changes.append(
                    .supersede(stored, by: successor, standings: try await standings(of: stored, all, before))
                )
            }
            amendment.restaged.append(stored.name)
        }
        try await store.amend(
            run,
            spec,
            changes,
            subscriptions: spec.sinks.count + runtime.subscribers.count,
            by: person
        )
        // Somebody late, such as a command that was under way, may have opened what the old spec says once more.
        await runtime.close(runID)
        return amendment
    }

    private func newQueryID() -> QueryID {
        .make(milliseconds: store.nowMilliseconds, random: .random(in: 0...UInt64.max))
    }

    /// Makes sure that a run can take a spec for its own, before its present pass is stopped for that.
    ///
    /// - Throws: ``RunRefused`` when it is another backfill's.
    public func requireAmendable(_ runID: RunID, with spec: BackfillSpec) async throws {
        _ = try await requireAmendable(try await known(runID), with: spec)
    }

    /// - Returns: the spec that holds.
    private func requireAmendable(_ run: StoredRun, with spec: BackfillSpec) async throws -> BackfillSpec {
        let before = try await runtime.spec(of: run)
        try Self.requireSame(before, spec, run: run.runID)
        try requireStage(of: spec)
        // What is planned by one of the stages cannot be carried on by the other.
        let all = try await store.queries(of: run.runID)
        let hasBegun = all.contains { $0.kind == .query && $0.schema != nil }
        if (before.stage == .direct) != (spec.stage == .direct), hasBegun {
            throw RunRefused.otherStage(run: run.runID)
        }
        for stored in all where stored.kind == .query || stored.kind == .catchUp {
            let (old, new) = (before.queries[stored.position], spec.queries[stored.position])
            guard Self.isMended(old, new) else { continue }
            if stored.staged != nil, old.key != new.key { throw RunRefused.otherKey(new.name, run: run.runID) }
            if stored.direct != nil, try await !store.isThrough(stored) {
                throw RunRefused.directMended(new.name, run: run.runID)
            }
        }
        return before
    }

    private static func isMended(_ old: QuerySpec, _ new: QuerySpec) -> Bool {
        old.sql.text != new.sql.text || old.key != new.key || old.parameters != new.parameters
    }

    /// How far each sink is in the buckets of a query, and of its unfinished redrives and repairs: a batch that was broken off has reached
    /// some and not others. It comes no further: a process that was killed may have a transaction under way, and one that stood still may
    /// go on.
    private func standings(of query: StoredQuery, _ all: [StoredQuery], _ spec: BackfillSpec) async throws -> Standings
    {
        let sinks = try spec.makeSinks(for: query.runID)
        var standings = Standings(own: try await standings(of: query, in: sinks), derived: [])
        for other in all where other.letterOrigin == query.queryID && other.state != .complete {
            standings.derived += try await self.standings(of: other, in: sinks).map { (other.queryID, $0) }
        }
        for sink in sinks { await sink.close() }
        return standings
    }

    private func standings(of query: StoredQuery, in sinks: [any Sink]) async throws -> [SinkStanding] {
        var standings: [SinkStanding] = []
        for bucket in try await store.buckets(of: query.queryID) where bucket.state != .complete {
            let key = LedgerKey(query.runID, BucketReference(queryID: query.queryID, number: bucket.number))
            for sink in sinks where query.reaches(sink.name) {
                let next = try await seal(key, in: sink) ?? bucket.nextOrdinal
                standings.append(
                    SinkStanding(bucket: bucket.number, subscription: sink.name, next: max(next, bucket.nextOrdinal))
                )
            }
            // A subscriber has no ledger: all that is known is what every subscription has settled.
            for name in runtime.subscribers.keys.sorted() where query.reaches(name) {
                standings.append(SinkStanding(bucket: bucket.number, subscription: name, next: bucket.nextOrdinal))
            }
        }
        return standings
    }

    private func seal(_ key: LedgerKey, in sink: any Sink) async throws -> Int64? {
        do {
            return try await sink.seal(key)
        } catch let error as TargetUnavailable {
            throw TargetUnavailable("\(error) The old spec publishes nothing more meanwhile. Then say the same again.")
        }
    }

    private static func requireSame(_ old: BackfillSpec, _ new: BackfillSpec, run: RunID) throws {
        let (queries, sinks) = (old.queries.map(\.name), old.sinks.subscriptionNames)
        if new.name != old.name || new.queries.map(\.name) != queries {
            throw RunRefused.otherSpec(
                run: run,
                "its name is \(old.name) and its queries are \(queries.joined(separator: ", "))"
            )
        }
        // A sink that came later would lack what was published before; one that went would be left half-filled.
        if new.sinks.map(\.place) != old.sinks.map(\.place) {
            throw RunRefused.otherSpec(run: run, "its sinks are \(sinks.joined(separator: ", "))")
        }
    }
}

/// What happens to a stored query when the spec is taken anew.
enum QueryChange: Sendable {
    /// It was not staged yet.
    case rewrite(QueryID, as: QueryID, sql: String)
    /// What it has published stays; the rest is its successor's.
    case supersede(StoredQuery, by: StoredQuery, standings: Standings)
}

/// How far the sinks are in a query, and in the redrives and repairs of it that are not finished.
struct Standings: Sendable {
    var own: [SinkStanding]
    var derived: [(query: QueryID, standing: SinkStanding)]
}

/// How far a sink is in a bucket that was broken off.
struct SinkStanding: Sendable {
    var bucket: Int
    var subscription: String
    /// The first ordinal that the sink has not taken.
    var next: Int64
}

extension SinkSpec {
    /// Where it writes.
    fileprivate var place: String {
        switch self {
        case .table(let table):
            switch table.database.place {
            case .sqlite(let file): "\(table.name) in \(file.path)"
            case .postgresql: "\(table.name) in \(table.database.redacted)"
            }
        case .file(let file): file.file.path
        case .http(let http): "\(http.url)"
        }
    }
}
