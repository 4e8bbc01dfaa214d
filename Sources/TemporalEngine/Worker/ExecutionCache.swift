#if Temporal
import Synchronization
import Workflows

/// An execution's code at the place where its history has led it, on this worker.
struct LiveExecution: Sendable {
    let instance: WorkflowInstance
    /// What has been read of the history so far.
    var mapping: EventMapping
    /// The WorkflowTaskStarted of the last turn that this worker has taken; 0 when none.
    var startedEventID = 0
    /// Events that no turn has taken in yet.
    var pending: [HistoryEvent] = []
}

/// Executions that wait for their next turn. Whoever works on one takes it out, so that nobody else does.
final class ExecutionCache: Sendable {
    private struct State {
        var live: [String: (execution: LiveExecution, use: Int)] = [:]
        var uses = 0
        var isClosed = false
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    func take(_ runID: String) -> LiveExecution? {
        state.withLock { $0.live.removeValue(forKey: runID)?.execution }
    }

    /// Keeps an execution; lets go of the one that was used least recently when there are too many.
    func put(_ execution: LiveExecution, _ runID: String) {
        let surplus = state.withLock { state -> [WorkflowInstance] in
            if state.isClosed { return [execution.instance] }
            state.uses += 1
            var surplus: [WorkflowInstance] = []
            if let other = state.live.updateValue((execution, state.uses), forKey: runID) {
                surplus.append(other.execution.instance)
            }
            if state.live.count > limit, let oldest = state.live.min(by: { $0.value.use < $1.value.use }) {
                state.live[oldest.key] = nil
                surplus.append(oldest.value.execution.instance)
            }
            return surplus
        }
        for instance in surplus { instance.release() }
    }

    /// Lets go of all, and of what is put here later.
    func close() {
        let live = state.withLock { state in
            state.isClosed = true
            defer { state.live = [:] }
            return state.live.values.map(\.execution.instance)
        }
        for instance in live { instance.release() }
    }
}
#endif
