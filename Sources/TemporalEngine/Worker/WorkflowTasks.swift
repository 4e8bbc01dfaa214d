#if Temporal
import Foundation
import GRPCCore
import Logging
import Workflows

/// Takes the turns that a server hands out, and answers the queries.
final class WorkflowTasks: Sendable {
    private let parts: WorkerParts
    private let definitions: [String: WorkflowDefinition]
    private let activities: ActivityTasks
    private let cache: ExecutionCache

    /// A turn that is not handed in within this time is given to another worker.
    private static let turnTimeout = Duration.seconds(10)
    /// As many activities as a server starts with the answer to a turn, at most.
    private static let eagerActivities = 3

    init(_ parts: WorkerParts, workflows: [any Workflow.Type], activities: ActivityTasks) {
        self.parts = parts
        self.activities = activities
        var definitions: [String: WorkflowDefinition] = [:]
        for workflow in workflows {
            let definition = WorkflowDefinition(workflow)
            definitions[definition.workflowType] = definition
        }
        self.definitions = definitions
        cache = ExecutionCache(limit: parts.options.cachedExecutions)
    }

    func close() { cache.close() }

    /// Takes the turn, and those that the server hands out with its answers.
    func take(_ first: WireWorkflowTask) async {
        var next: WireWorkflowTask? = first
        while let task = next { next = await step(task) }
    }

    private func step(_ task: WireWorkflowTask) async -> WireWorkflowTask? {
        var live: LiveExecution
        do {
            live = try await self.live(for: task)
        } catch {
            await refuse(task, error)
            return nil
        }
        if task.hasQuery {
            await answer(task, live)
            return nil
        }
        let commands: [Command]
        do {
            commands = try turn(&live, task)
        } catch {
            live.instance.release()
            await refuse(task, error)
            return nil
        }
        return await handIn(commands, of: live, task)
    }

    // MARK: Where the history has led

    private func live(for task: WireWorkflowTask) async throws -> LiveExecution {
        let execution = task.workflowExecution
        var events = task.history.events
        var token = task.nextPageToken
        let isWhole = events.first?.eventID == 1
        if var live = cache.take(execution.runID) {
            let isNext = !isWhole && (task.hasQuery || live.startedEventID == task.previousStartedEventID)
            if isNext {
                if !token.isEmpty { events += try await pages(of: execution, after: token) }
                let turns = HistoryTurns(try live.mapping.events(events))
                if turns.turns.count <= 1 {
                    live.pending += turns.pendingEvents
                    return live
                }
            }
            live.instance.release()
        }
        if !isWhole {
            events = []
            token = .init()
        }
        if events.isEmpty || !token.isEmpty { events += try await pages(of: execution, after: token) }
        if task.startedEventID > 0 { events.removeAll { $0.eventID > task.startedEventID } }
        var mapping = EventMapping(runID: execution.runID, payloads: parts.payloads)
        let turns = HistoryTurns(try mapping.events(events))
        let type = task.workflowType.name
        guard let definition = definitions[type] else {
            throw TemporalError(
                "The workflow \(type) is not registered with this worker. Run workers of one version on a task queue."
            )
        }
        let logger = parts.logger
        let metadata = parts.metadata(execution)
        let instance = WorkflowInstance(definition) { logger.error("\(TurnFailure.foreignWait)", metadata: metadata) }
        do {
            try instance.replay(turns.turns)
        } catch {
            instance.release()
            throw error
        }
        return LiveExecution(
            instance: instance,
            mapping: mapping,
            startedEventID: mapping.lastTurn,
            pending: turns.pendingEvents
        )
    }

    private func pages(of execution: WireExecution, after first: Data) async throws -> [WireHistoryEvent] {
        var events: [WireHistoryEvent] = []
        var token = first
        repeat {
            var request = WireGetHistoryRequest()
            request.namespace = parts.namespace
            request.execution = execution
            request.nextPageToken = token
            let response = try await parts.connection.call(.getHistory, request, patience: Self.turnTimeout)
            events += response.history.events
            token = response.nextPageToken
        } while !token.isEmpty
        return events
    }

    // MARK: Turns

    private func turn(_ live: inout LiveExecution, _ task: WireWorkflowTask) throws -> [Command] {
        guard let started = live.mapping.started, let open = live.mapping.openTurn else {
            throw TemporalError("The history that the server sent has no beginning, or no turn to take.")
        }
        let completedEventID = open.startedEventID + 1
        let commands = try live.instance.takeTurn(
            live.pending,
            at: open.time,
            completedEventID: completedEventID,
            suggestsContinueAsNew: open.suggestsContinueAsNew
        )
        for warning in live.instance.takeWarnings() {
            parts.logger.warning("\(warning)", metadata: parts.metadata(task.workflowExecution))
        }
        live.pending = []
        live.startedEventID = open.startedEventID
        let length = completedEventID + commands.count
        guard length > started.historyLimit.maximumEvents else { return commands }
        let failure = LimitFailure.history(length: length, maximumEvents: started.historyLimit.maximumEvents)
        return [.failWorkflowExecution(failure)]
    }

    private func handIn(_ commands: [Command], of live: LiveExecution, _ task: WireWorkflowTask) async
        -> WireWorkflowTask?
    {
        guard let started = live.mapping.started else { return nil }
        let mapping = CommandMapping(
            started: started,
            memo: live.mapping.memo,
            payloads: parts.payloads,
            taskQueue: parts.taskQueue,
            workerTimeout: parts.options.workerTimeout,
            unhandledSignals: live.instance.unhandledSignals
        )
        var request = WireCompleteWorkflowTaskRequest()
        request.namespace = parts.namespace
        request.identity = parts.identity
        request.taskToken = task.taskToken
        request.returnNewWorkflowTask = true
        request.stickyAttributes.workerTaskQueue = parts.sticky
        request.stickyAttributes.scheduleToStartTimeout = .init(duration: .seconds(5))
        var reserved = 0
        do {
            for command in commands {
                var wire = try mapping.wire(command)
                if case .scheduleActivityTask = command {
                    // The server starts it at once, here, when there is a place for it.
                    let isEager = reserved < Self.eagerActivities && activities.slots.tryTake()
                    wire.scheduleActivity.requestEagerExecution = isEager
                    if isEager { reserved += 1 }
                }
                request.commands.append(wire)
            }
            for (id, query) in task.queries { request.queryResults[id] = result(of: query, live, task) }
            let response = try await parts.connection.call(
                .completeWorkflowTask,
                request,
                patience: Self.turnTimeout
            )
            for eager in response.activityTasks {
                reserved -= 1
                activities.begin(eager)
            }
            for _ in 0..<max(0, reserved) { activities.slots.giveBack() }
            parts.logger.trace(
                "a turn: \(commands.count) commands",
                metadata: parts.metadata(task.workflowExecution)
            )
            if commands.contains(where: \.closes) {
                live.instance.release()
            } else {
                cache.put(live, task.workflowExecution.runID)
            }
            let next = response.hasWorkflowTask ? response.workflowTask : nil
            return next?.taskToken.isEmpty == false ? next : nil
        } catch {
            // Whatever came of the turn there, this worker no longer knows: the next one begins with the whole history.
            live.instance.release()
            for _ in 0..<max(0, reserved) { activities.slots.giveBack() }
            if error is RPCError {
                parts.logger.debug(
                    "a turn was not taken by the server: \(error)",
                    metadata: parts.metadata(task.workflowExecution)
                )
            } else {
                await refuse(task, error)
            }
            return nil
        }
    }

    /// Says that the turn cannot be taken. The server hands it out again, so that a fixed program takes it.
    private func refuse(_ task: WireWorkflowTask, _ error: any Error) async {
        if error is CancellationError { return }
        let metadata = parts.metadata(task.workflowExecution)
        let failure = (error as? TurnFailure)?.failureInfo ?? FailureInfo(describing: error)
        if task.hasQuery {
            await answer(task, failure.description)
            return
        }
        guard !(error is RPCError) else {
            parts.logger.debug("a turn's history could not be read: \(error)", metadata: metadata)
            return
        }
        // Said once; after that the turn's time limit keeps the repetitions apart.
        guard task.attempt <= 1 else { return }
        parts.logger.error("\(failure)", metadata: metadata)
        var request = WireFailWorkflowTaskRequest()
        request.namespace = parts.namespace
        request.identity = parts.identity
        request.taskToken = task.taskToken
        request.cause =
            (error as? TurnFailure)?.kind == .nondeterminism
            ? .nonDeterministicError : .workflowWorkerUnhandledFailure
        request.failure = FailureMapping(payloads: parts.payloads).wire(failure)
        _ = try? await parts.connection.call(.failWorkflowTask, request, patience: Self.turnTimeout)
    }

    // MARK: Queries

    private func answer(_ task: WireWorkflowTask, _ live: LiveExecution) async {
        let result = result(of: task.query, live, task)
        cache.put(live, task.workflowExecution.runID)
        var request = WireCompleteQueryRequest()
        request.namespace = parts.namespace
        request.taskToken = task.taskToken
        request.completedType = result.resultType
        request.queryResult = result.answer
        request.errorMessage = result.errorMessage
        _ = try? await parts.connection.call(.completeQuery, request, patience: Self.turnTimeout)
    }

    private func answer(_ task: WireWorkflowTask, _ error: String) async {
        var request = WireCompleteQueryRequest()
        request.namespace = parts.namespace
        request.taskToken = task.taskToken
        request.completedType = .failed
        request.errorMessage = error
        _ = try? await parts.connection.call(.completeQuery, request, patience: Self.turnTimeout)
    }

    private func result(of query: WireWorkflowQuery, _ live: LiveExecution, _ task: WireWorkflowTask)
        -> WireWorkflowQueryResult
    {
        var result = WireWorkflowQueryResult()
        do {
            let parameter = try parts.payloads.payload(query.queryArgs)
            guard let answer = try live.instance.query(query.queryType, parameter) else {
                result.resultType = .failed
                result.errorMessage = UnknownQuery.message(query.queryType, task.workflowExecution.workflowID)
                return result
            }
            result.resultType = .answered
            result.answer = try parts.payloads.wires(answer)
        } catch {
            result.resultType = .failed
            result.errorMessage = FailureInfo(describing: error).description
        }
        return result
    }
}

/// How a worker says, and a client hears, that a workflow has no handler for a query.
enum UnknownQuery {
    private static let mark = "has no handler for the query"

    static func message(_ query: String, _ workflowID: String) -> String {
        "Workflow \(workflowID) \(mark) \(query)."
    }

    static func isMeant(by message: String) -> Bool { message.contains(mark) }
}

extension WorkerParts {
    var sticky: WireTaskQueue {
        var queue = WireTaskQueue()
        queue.name = stickyQueue
        queue.kind = .sticky
        queue.normalName = taskQueue
        return queue
    }

    var normal: WireTaskQueue {
        var queue = WireTaskQueue()
        queue.name = taskQueue
        queue.kind = .normal
        return queue
    }
}
#endif
