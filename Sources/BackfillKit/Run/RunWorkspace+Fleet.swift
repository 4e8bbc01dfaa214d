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
        try await store.withErrorBooks(of: run.runID) { [weak self] books in self?.opened.withLock { $0.books = books }
        }
        obey(try await store.control(of: run.runID))
        return true
    }

    /// Makes this process's sinks ready for a query whose tables and files another one may have made.
    func makeReady(for query: StoredQuery) async throws {
        let preparing = opened.withLock { open in
            if let known = open.prepared[query.queryID] { return known }
            let fresh = Task { try await self.prepareSinks(for: query) }
            open.prepared[query.queryID] = fresh
            return fresh
        }
        do {
            try await preparing.value
        } catch {
            opened.withLock { if $0.prepared[query.queryID] == preparing { $0.prepared[query.queryID] = nil } }
            throw error
        }
    }
}
