public import Foundation

/// All that durable code may await or ask; the same answers come on every replay.
///
/// Waiting members throw ``CanceledFailure`` when the task that waits is cancelled, be it by a cancellation request for the whole
/// workflow or by its task group. Use them only in the workflow's own task and its child tasks.
public final class WorkflowContext: Sendable {
    /// Who the execution is.
    public let info: WorkflowInfo
    let instance: WorkflowInstance

    init(info: WorkflowInfo, instance: WorkflowInstance) {
        self.info = info
        self.instance = instance
    }

    /// The time of this turn, in whole milliseconds; it stands still until the next.
    public var now: Date { instance.read { $0.now } }

    /// Randomness that is seeded from the execution.
    public var random: WorkflowRandom { WorkflowRandom(instance: instance) }

    /// A new id: 16 characters without a hyphen that sort by ``now``.
    public func makeID() -> String {
        var random = random
        return SortableID.make(at: now, using: &random)
    }

    /// How many events the history holds, with those that this turn has asked for so far.
    public var historyLength: Int { instance.read { $0.historyLength } }

    /// Whether the history is within its margin of the limit, or its keeper suggests it: start nothing more, wait for open children, throw
    /// ``ContinueAsNew``.
    public var shouldContinueAsNew: Bool {
        instance.read { $0.suggestsContinueAsNew }
            || historyLength >= info.historyLimit.maximumEvents - info.historyLimit.continueAsNewMargin
    }

    /// Whether somebody asked the workflow to cancel.
    public var isCancelled: Bool { instance.read { $0.cancelReason != nil } }

    /// Whether the code is being led again through what the history holds; use it to keep logs from repeating, for nothing else.
    public var isReplaying: Bool { instance.read { $0.isReplaying } }

    /// Calls an activity and waits for its result. Throws ``ActivityFailure`` once it will not be tried again.
    public func execute<A: Activity>(
        _ activity: A.Type,
        _ input: A.Input,
        options: ActivityOptions
    ) async throws -> A.Output {
        try instance.validate(options)
        let payload = try instance.encode(input, for: "the input of activity \(A.activityType)")
        let outcome = try await instance.wait {
            $0.scheduleActivity(type: A.activityType, input: payload, options: options)
        }
        return try instance.decode(outcome, as: A.Output.self)
    }

    /// Starts a child and returns once it runs. Throws ``ChildWorkflowFailure`` when its workflow id is taken.
    public func startChild<W: Workflow>(
        _ workflow: W.Type,
        id: String,
        _ input: W.Input,
        options: ChildWorkflowOptions = ChildWorkflowOptions()
    ) async throws -> ChildHandle<W.Output> {
        let payload = try instance.encode(input, for: "the input of child workflow \(id)")
        let initiated = StartChildWorkflowExecutionInitiated(
            workflowID: id,
            workflowType: W.workflowType,
            input: payload,
            options: options
        )
        let child = try instance.startChild(initiated)
        let outcome = try await instance.wait { $0.awaitChildStart(child) }
        return ChildHandle(
            workflowID: id,
            executionID: try instance.decodeExecutionID(outcome),
            child: child,
            instance: instance
        )
    }

    /// Starts a child and waits for its chain's result. Throws ``ChildWorkflowFailure`` when it ends without one.
    public func executeChild<W: Workflow>(
        _ workflow: W.Type,
        id: String,
        _ input: W.Input,
        options: ChildWorkflowOptions = ChildWorkflowOptions()
    ) async throws -> W.Output {
        try await startChild(workflow, id: id, input, options: options).result()
    }

    /// Waits durably: through crashes and restarts, for days if need be.
    public func sleep(for duration: Duration) async throws {
        _ = try instance.success(of: try await instance.wait { $0.startTimer(for: duration) })
    }

    /// Waits until `condition` holds, and says whether it does; with a timeout it may not. The condition is looked at after every
    /// step of the workflow; it must only read.
    @discardableResult
    public func waitUntil(
        timeout: Duration? = nil,
        _ condition: @escaping @Sendable () -> Bool
    ) async throws -> Bool {
        try instance.checkCall()
        if condition() { return true }
        let outcome = try await instance.wait(until: condition) { $0.startCondition(timeout: timeout) }
        if case .fired = outcome { return false }
        _ = try instance.success(of: outcome)
        return true
    }

    /// Takes a signal from now on, first those that came before, in order. A value that does not decode is left out, with a warning
    /// in the engine's log.
    public func onSignal<Value>(_ signal: SignalName<Value>, _ handler: @escaping @Sendable (Value) -> Void) {
        instance.onSignal(named: signal.name) { handler(try $0.decode(as: Value.self)) }
    }

    /// Answers a query from now on. The handler must only read.
    public func onQuery<Parameter, Answer>(
        _ query: QueryName<Parameter, Answer>,
        _ handler: @escaping @Sendable (Parameter) throws -> Answer
    ) {
        instance.onQuery(named: query.name) { try Payload(encoding: try handler(try $0.decode(as: Parameter.self))) }
    }

    /// Runs clean-up that cancellation does not reach, and waits for it.
    public func shielded<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try instance.checkCall()
        // A task of its own inherits no cancellation; on the workflow's executor it keeps its place in the order.
        return try await Task(executorPreference: instance.executor) { try await body() }.value
    }
}

/// A child that was started.
public struct ChildHandle<Output: Codable & Sendable>: Sendable {
    /// The child's workflow id.
    public let workflowID: String
    /// The first execution of the child's chain.
    public let executionID: String
    let child: Int
    let instance: WorkflowInstance

    /// Waits for the child's chain to end. Throws ``ChildWorkflowFailure`` when it ends without a result. May be called again.
    public func result() async throws -> Output {
        try instance.decode(try await instance.wait { $0.awaitChildResult(child) }, as: Output.self)
    }

    /// Asks the child to cancel; ``result()`` tells how it ends.
    public func cancel() throws { try instance.cancelChild(child) }
}
