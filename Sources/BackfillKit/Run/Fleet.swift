/// How a process works on runs that other processes work on at the same time, all with the same state.
///
/// What one of them is told, the others learn from the run store within about a second.
public struct Fleet: Sendable {
    /// This process among the others.
    public var workerID: String
    /// How many batches one activity publishes at most. Each is settled and has its checkpoint; only the way to the engine and back is
    /// saved.
    public var batchesPerActivity: Int

    /// Names this process.
    public init(workerID: String, batchesPerActivity: Int = 20) {
        self.workerID = workerID
        self.batchesPerActivity = max(1, batchesPerActivity)
    }
}

extension FlowSettings {
    /// One worker's share of what all of them may do together.
    func share(among workers: Int) -> FlowSettings {
        guard workers > 1 else { return self }
        var settings = self
        settings.pace = pace.share(among: workers)
        settings.lanes = lanes.mapValues { $0.share(among: workers) }
        settings.concurrency = concurrency.map { max(1, $0 / workers) }
        return settings
    }
}

extension Pace {
    fileprivate func share(among workers: Int) -> Pace {
        Pace(records: records.map { $0 / Double(workers) }, bytes: bytes.map { $0 / Double(workers) })
    }
}
