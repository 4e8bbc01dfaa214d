#if Temporal
import Foundation
import GRPCCore
public import Logging
import Synchronization
public import Workflows

/// Takes turns of workflows and makes attempts of activities that a Temporal server hands out on one task queue.
public final class TemporalWorker: Sendable {
    private let parts: WorkerParts
    private let turns: WorkflowTasks
    private let attempts: ActivityTasks
    private let turnSlots: Slots
    private let polling = Mutex<Task<Void, Never>?>(nil)

    /// A worker of the client's task queue. It takes nothing before ``start()``.
    public init(
        _ client: TemporalClient,
        workflows: [any Workflow.Type],
        activities: [any Activity],
        options: WorkerOptions = WorkerOptions(),
        logger: Logger
    ) {
        parts = WorkerParts(
            connection: client.connection,
            payloads: client.payloads,
            options: options,
            logger: logger,
            stickyQueue: "\(client.connection.options.identity):\(UUID().uuidString)"
        )
        attempts = ActivityTasks(parts, activities: activities)
        turns = WorkflowTasks(parts, workflows: workflows, activities: attempts)
        turnSlots = Slots(options.workflowTaskSlots)
    }

    /// Begins to ask for tasks, until ``shutdown(drain:)``. Losing the server is no end: it is asked again until it answers.
    public func start() {
        polling.withLock { polling in
            guard polling == nil else { return }
            polling = Task.detached { await self.poll() }
        }
    }

    /// Asks for nothing more, waits for attempts that are under way at most as long as `drain`, and cancels the rest, which other workers
    /// then make anew.
    public func shutdown(drain: Duration) async {
        let polling = polling.withLock { $0 }
        polling?.cancel()
        await attempts.drain(for: drain)
        await polling?.value
        // Turns that were being taken are handed in: whoever holds all places has waited for each.
        for _ in 0..<parts.options.workflowTaskSlots { _ = await turnSlots.take() }
        turns.close()
        // Turns that would come by this worker's own queue go to the others at once.
        var request = WireShutdownWorkerRequest()
        request.namespace = parts.namespace
        request.identity = parts.identity
        request.stickyTaskQueue = parts.stickyQueue
        request.reason = "shut down"
        _ = try? await parts.connection.call(.shutdownWorker, request, patience: .seconds(2))
    }

    // MARK: Asking

    private func poll() async {
        await withDiscardingTaskGroup { group in
            for _ in 0..<max(1, parts.options.pollers) {
                group.addTask { await self.pollTurns(self.parts.normal) }
                group.addTask { await self.pollTurns(self.parts.sticky) }
                group.addTask { await self.pollAttempts() }
            }
        }
    }

    private func pollTurns(_ queue: WireTaskQueue) async {
        var request = WirePollWorkflowTaskRequest()
        request.namespace = parts.namespace
        request.identity = parts.identity
        request.taskQueue = queue
        await poll(.pollWorkflowTask, request, turnSlots) { task in
            guard !task.taskToken.isEmpty else { return false }
            Task.detached {
                await self.turns.take(task)
                self.turnSlots.giveBack()
            }
            return true
        }
    }

    private func pollAttempts() async {
        var request = WirePollActivityTaskRequest()
        request.namespace = parts.namespace
        request.identity = parts.identity
        request.taskQueue = parts.normal
        if let rate = parts.options.activitiesPerSecond {
            request.taskQueueMetadata.maxTasksPerSecond.value = rate
        }
        await poll(.pollActivityTask, request, attempts.slots) { task in
            guard !task.taskToken.isEmpty else { return false }
            self.attempts.begin(task)
            return true
        }
    }

    /// Asks again and again, once there is a place for what comes. `begin` says whether it took the place.
    private func poll<Request, Response>(
        _ method: Method<Request, Response>,
        _ request: Request,
        _ slots: Slots,
        _ begin: (Response) -> Bool
    ) async {
        var pause = Duration.milliseconds(50)
        while !Task.isCancelled {
            guard await slots.take() else { return }
            var isTaken = false
            do {
                isTaken = begin(try await parts.connection.once(method, request))
                pause = .milliseconds(50)
            } catch let error as RPCError where error.code != .deadlineExceeded && !Task.isCancelled {
                parts.logger.debug("\(method.descriptor.method): \(error.code): \(error.message)")
                // A cancelled sleep ends the loop.
                try? await Task.sleep(for: pause * Double.random(in: 0.5...1))
                pause = min(pause * 2, .seconds(5))
            } catch {
                // Cancelled, or an answer that took too long: asked again, unless it is over.
            }
            if !isTaken { slots.giveBack() }
        }
    }
}
#endif
