import SQLConnectors

/// Queries whose records are read at the source while they are published.
extension RunWorkspace {
    /// Whether a query's records are staged in no file. What is published again always is.
    func isDirect(_ query: StoredQuery) -> Bool { spec.stage == .direct && query.kind == .query }

    /// Cuts a query at the source.
    func cut(_ query: StoredQuery, progress: @escaping @Sendable (Int64) -> Void) async throws -> KeyCut {
        try await spec.cut(try spec.sourceQuery(for: query), at: try directSource, progress: progress)
    }

    private var directSource: any DirectSource {
        get throws {
            guard let source = source as? any DirectSource else {
                throw SourceError("`stage: direct` is not possible with this source. Take it out.")
            }
            return source
        }
    }

    func directReader(of bucket: StoredBucket, _ query: StoredQuery) throws -> DirectBucketReader {
        let (source, named, store) = (try directSource, try spec.sourceQuery(for: query), store)
        let access = DirectAccess(
            run: run.runID,
            read: { try source.read(named, $0) },
            reserve: { [weak self] next, known in
                let reference = BucketReference(queryID: query.queryID, number: bucket.number)
                do { try await store.reserve(next, replacing: known, in: reference) } catch {
                    self?.letGo(of: reference)
                    throw error
                }
            },
            forget: { try await store.forgetLetters(of: query.queryID, $0) },
            standings: { [weak self] in try await self?.standings(in: bucket, of: query) ?? [] }
        )
        return DirectBucketReader(bucket: bucket, access: access, bytesAhead: spec.batch.byteCount)
    }

    /// Of a bucket that another process may have worked on since, lets go of a reader that knows less than the run store.
    func renewReader(of bucket: BucketReference) async throws {
        guard let reader = reader(known: bucket) as? DirectBucketReader,
            let stored = try await store.bucket(bucket.number, of: bucket.queryID)
        else { return }
        if await reader.reservation != stored.reservation { letGo(of: bucket) }
    }

    private func standings(in bucket: StoredBucket, of query: StoredQuery) async throws -> [DirectStanding] {
        let key = LedgerKey(run.runID, BucketReference(queryID: query.queryID, number: bucket.number))
        var standings: [DirectStanding] = []
        for (described, sink) in zip(spec.sinks, sinks) where query.reaches(sink.name) {
            // Without a ledger all that is known is what every sink has settled; such a sink takes a record at least once.
            let next = try await sink.nextOrdinal(for: key) ?? 0
            standings.append(DirectStanding(name: sink.name, next: next, takesTwice: described.takesTwice))
        }
        for name in runtime.subscribers.keys.sorted() where query.reaches(name) {
            standings.append(DirectStanding(name: name, next: 0, takesTwice: true))
        }
        return standings
    }
}

extension SinkSpec {
    /// Whether a record that comes again does no harm.
    var takesTwice: Bool {
        switch self {
        case .table(let table): table.mode == .upsert
        case .file: false
        case .http: true
        }
    }
}

extension BackfillSpec {
    /// Cuts a query as `buckets` says, by its keys.
    func cut(
        _ query: SourceQuery,
        at source: any DirectSource,
        progress: @escaping @Sendable (Int64) -> Void = { _ in }
    ) async throws -> KeyCut {
        let target = buckets.target
        return try await source.cut(
            query,
            into: { try target.bucketCount(amount: $0, recordCount: $0) },
            progress: progress
        )
    }
}
