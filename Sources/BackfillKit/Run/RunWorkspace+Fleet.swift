import Synchronization

/// A run that this process shares with others.
extension RunWorkspace {
    /// Begins to keep the gate informed, and to look at what others do where the run is shared.
    func startKeeper() throws {
        guard let fleet = runtime.fleet else {
            try keeper.start()
            return
        }
        try keeper.start { [weak self] in
            guard let self, try await !self.lookAround(as: fleet.workerID) else { return }
            // Not by the task that the closing ends.
            Task { [run, runtime] in await runtime.close(run.runID) }
        }
    }

    /// Looks up, about once a second, what others have written down of a run that this process shares with them.
    ///
    /// - Returns: false when the run is over, and nothing of it needs to stay open here.
    private func lookAround(as workerID: String) async throws -> Bool {
        guard try await store.run(run.runID)?.state == .running else { return false }
        if opened.withLock({ !$0.readers.isEmpty }) {
            let count = try await store.notePublishing(workerID, on: run.runID)
            workers.withLock { $0 = count }
        }
        try await lookAtBooks()
        obey(try await store.control(of: run.runID))
        return true
    }

    /// Takes in the dead letters of others. That keeps everybody from writing as long as it takes to count them: so it is done where they are
    /// others than before, and for a tenth of the time at most; but at least every ten seconds or so.
    private func lookAtBooks() async throws {
        let clock = ContinuousClock()
        let began = clock.now
        if let due = opened.withLock(\.booksDue), began < due { return }
        if try await store.errorBooks(of: run.runID) != opened.withLock(\.books) {
            try await store.withErrorBooks(of: run.runID) { [weak self] books in
                self?.opened.withLock { $0.books = books }
            }
        }
        let end = clock.now
        opened.withLock { $0.booksDue = end + min((end - began) * 9, .seconds(10)) }
    }

    /// Forgets this machine's copies of results that no step of the run will need.
    func removeCopies() async {
        // Where the store cannot be asked they stay, and do no harm.
        guard runtime.fleet != nil, let state = try? await store.run(run.runID)?.state,
            state == .complete || state == .cancelled
        else { return }
        for query in (try? await store.queries(of: run.runID)) ?? [] {
            runtime.results.removeCopies(beginningWith: "\(query.queryID).")
        }
    }

    /// Makes this process's sinks ready for a query whose tables and files another one may have made.
    func makeReady(for query: StoredQuery) async throws {
        try await prepared.value(for: query.queryID) { try await self.prepareSinks(for: query) }
    }
}
