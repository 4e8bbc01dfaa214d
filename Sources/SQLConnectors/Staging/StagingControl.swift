import Synchronization

/// Carries cancellation into a staging, which blocks its thread, and counts out of it.
final class StagingControl: Sendable {
    private let isCancelledFlag = Atomic<Bool>(false)
    private let cancellation = Mutex<(@Sendable () -> Void)?>(nil)
    private let lastReport = Mutex(ContinuousClock.now)
    private let progress: @Sendable (Int64) -> Void

    init(progress: @escaping @Sendable (Int64) -> Void) { self.progress = progress }

    var isCancelled: Bool { isCancelledFlag.load(ordering: .relaxed) }

    func cancel() {
        isCancelledFlag.store(true, ordering: .sequentiallyConsistent)
        cancellation.withLock { $0 }?()
    }

    /// Names what ends a wait that this flag alone does not reach; called from another thread. Not called when cancelled before.
    func onCancel(_ body: @escaping @Sendable () -> Void) throws {
        cancellation.withLock { $0 = body }
        if isCancelled { throw CancellationError() }
    }

    /// Reports at most four times a second.
    func report(_ records: @autoclosure () -> Int64) {
        let due = lastReport.withLock { last in
            let now = ContinuousClock.now
            guard now - last >= .milliseconds(250) else { return false }
            last = now
            return true
        }
        if due { progress(records()) }
    }

    /// Runs blocking work on a query on a thread of its own, and heeds the task's cancellation.
    func run<Result: Sendable>(_ query: SourceQuery, _ body: @escaping @Sendable () throws -> Result) async throws
        -> Result
    {
        try await withTaskCancellationHandler {
            try await SerialWorker(label: "stage \(query.name)", ()).run { _ in try body() }
        } onCancel: {
            cancel()
        }
    }
}
