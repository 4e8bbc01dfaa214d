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
