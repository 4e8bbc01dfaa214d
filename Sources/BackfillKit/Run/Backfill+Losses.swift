import SQLConnectors

extension Backfill {
    /// A target that has lost what it had taken, such as a database that was put back to an older copy, must not pass for complete: every
    /// sink's ledger has to be where the checkpoints are. A target that cannot be asked just now is left to the run, which tries again.
    ///
    /// - Throws: ``RunRefused`` that names the sink, the bucket and what to do.
    func requireWhatWasTaken(by run: StoredRun) async throws {
        let sinks = try await runtime.spec(of: run).makeSinks(for: run.runID)
        do {
            for query in try await store.queries(of: run.runID) where query.kind != .superseded {
                for bucket in try await store.buckets(of: query.queryID) where bucket.nextOrdinal > bucket.firstOrdinal
                {
                    for sink in sinks where query.reaches(sink.name) { try await require(bucket, of: query, in: sink) }
                }
            }
        } catch is TargetUnavailable {
        } catch {
            for sink in sinks { await sink.close() }
            throw error
        }
        for sink in sinks { await sink.close() }
    }

    private func require(_ bucket: StoredBucket, of query: StoredQuery, in sink: any Sink) async throws {
        guard let advice = sink.lossAdvice else { return }
        let key = LedgerKey(query.runID, BucketReference(queryID: query.queryID, number: bucket.number))
        let taken = max(bucket.firstOrdinal, try await sink.nextOrdinal(for: key) ?? 0)
        guard taken < bucket.nextOrdinal else { return }
        // A ledger stays at refused records that are the last of their batch.
        let refused = try await store.refusedRecords(of: query.queryID, from: taken, to: bucket.nextOrdinal)
        let lost = bucket.nextOrdinal - taken - refused
        guard lost <= 0 else {
            throw RunRefused.lost(lost, of: bucket.number, query.name, sink.name, advice)
        }
    }
}
