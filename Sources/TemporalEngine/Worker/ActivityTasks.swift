#if Temporal
import Foundation
import GRPCCore
import Logging
import Synchronization
import Workflows

/// Makes the attempts that a server hands out.
final class ActivityTasks: Sendable {
    private struct State {
        var running: [Int: RunningAttempt] = [:]
        var last = 0
        var isShuttingDown = false
        var drained: [CheckedContinuation<Void, Never>] = []
    }

    let slots: Slots
    private let parts: WorkerParts
    private let definitions: [String: ActivityDefinition]
    private let state = Mutex(State())

    init(_ parts: WorkerParts, activities: [any Activity]) {
        self.parts = parts
        var definitions: [String: ActivityDefinition] = [:]
        for activity in activities {
            let definition = ActivityDefinition(activity)
            definitions[definition.activityType] = definition
        }
        self.definitions = definitions
        slots = Slots(parts.options.activitySlots)
    }

    /// Begins an attempt, for which a place was taken.
    func begin(_ task: WireActivityTask) {
        let attempt = RunningAttempt(task, parts, definition: definitions[task.activityType.name])
        let (id, isShuttingDown) = state.withLock { state in
            state.last += 1
            state.running[state.last] = attempt
            return (state.last, state.isShuttingDown)
        }
        if isShuttingDown { attempt.shutDown(now: false) }
        Task.detached {
            await attempt.run()
            self.ended(id)
        }
    }

    private func ended(_ id: Int) {
        let drained = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.running[id] = nil
            guard state.running.isEmpty else { return [] }
            defer { state.drained = [] }
            return state.drained
        }
        slots.giveBack()
        for continuation in drained { continuation.resume() }
    }

    /// Lets attempts end: at once those that only wait or are made anew anyway, after the grace all others.
    func drain(for grace: Duration) async {
        let running = state.withLock { state in
            state.isShuttingDown = true
            return Array(state.running.values)
        }
        for attempt in running { attempt.shutDown(now: false) }
        let alarm = Task {
            // A cancelled sleep means that all was done in time.
            guard (try? await Task.sleep(for: grace)) != nil else { return }
            for attempt in state.withLock({ Array($0.running.values) }) { attempt.shutDown(now: true) }
        }
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if !state.running.isEmpty { state.drained.append(continuation) }
                return state.running.isEmpty
            }
            if isEmpty { continuation.resume() }
        }
        alarm.cancel()
    }
}
#endif
