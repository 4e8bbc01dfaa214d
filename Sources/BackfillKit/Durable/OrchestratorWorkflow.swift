public import Workflows

/// What an orchestrator is started with. The plan itself stays in the run store: histories only point to it.
public struct OrchestratorInput: Codable, Sendable {
    /// The run.
    public var runID: RunID
    /// Only this bucket, for `resume RUN --bucket N`; nil for all that is unfinished.
    public var only: BucketReference?
    /// How often an orchestrator was started for the run, this time included.
    public var pass: Int
    /// The names of the spec's hooks, in the order in which they run.
    public var hooks: [String]
    /// Whether the hooks before the first record are through: set when an orchestrator hands over to the next of its chain.
    public var hasBegun = false

    func hooks(_ moment: HookSpec.Moment) -> [String] { hooks.filter { $0.hasPrefix(moment.rawValue + "/") } }
}

/// How an orchestrator ended.
public struct RunOutcome: Codable, Sendable {
    /// Complete or incomplete.
    public var state: RunState
    /// Why it is incomplete, in one line.
    public var error: String?

    /// Adds a reason why the run is not complete.
    mutating func fail(_ reason: String) {
        state = .incomplete
        error = error.map { "\($0); \(reason)" } ?? reason
    }
}

/// Runs the queries, cuts their results into buckets and keeps a sliding window of executors at work.
///
/// It never fails for what a query, a bucket or a hook did: that is written down, the others go on, and `FinishRun` is always reached.
/// Near its own history limit it starts no more executors, waits for those that are open and continues as new; what is left to do is
/// read from the run store, so nothing but the run id crosses.
public struct OrchestratorWorkflow: Workflow {
    /// Made by the engine.
    public init() {}

    /// Works until every query of the run is closed.
    public func run(_ input: OrchestratorInput, in context: WorkflowContext) async throws -> RunOutcome {
        var fault: String?
        do {
            try await publish(input, in: context)
        } catch let handover as ContinueAsNew<OrchestratorInput> {
            throw handover
        } catch {
            fault = FailureText.line(of: error)
        }
        var outcome = try await context.execute(
            JudgeRun.self,
            JudgeRun.Input(runID: input.runID, fault: fault),
            options: .bookkeeping
        )
        await runHooks(.after, of: input, in: context, &outcome)
        await runHooks(outcome.state == .complete ? .onSuccess : .onFailure, of: input, in: context, &outcome)
        return try await context.execute(
            FinishRun.self,
            FinishRun.Input(runID: input.runID, outcome: outcome),
            options: .bookkeeping
        )
    }

    private func publish(_ input: OrchestratorInput, in context: WorkflowContext) async throws {
        for hook in input.hooks(.before) where !input.hasBegun {
            _ = try await context.execute(
                RunHook.self,
                RunHook.Input(runID: input.runID, hook: hook),
                options: .runHook
            )
        }
        let outline = try await context.execute(PrepareRun.self, input, options: .prepareRun)
        if outline.stagesTogether {
            _ = try await context.execute(StageTogether.self, input.runID, options: .runQuery)
        }
        let window = ExecutorWindow(executors: outline.executors, lanes: outline.lanes)
        let open = outline.queries
        await withTaskGroup(of: Void.self) { group in
            for query in open {
                group.addTask {
                    let work = QueryWork(
                        input: input,
                        query: query,
                        outline: outline,
                        window: window,
                        context: context
                    )
                    await work.run()
                }
            }
        }
        // Checked after the window has run empty: open children do not cross to the next execution.
        if window.isHandingOver || context.shouldContinueAsNew {
            var next = input
            next.hasBegun = true
            throw ContinueAsNew(next)
        }
    }

    /// Runs the hooks of an end; one that fails makes the run incomplete and keeps none of the others from running.
    private func runHooks(
        _ moment: HookSpec.Moment,
        of input: OrchestratorInput,
        in context: WorkflowContext,
        _ outcome: inout RunOutcome
    ) async {
        for hook in input.hooks(moment) {
            let step = RunHook.Input(runID: input.runID, hook: hook, pass: input.pass, outcome: outcome)
            do {
                _ = try await context.execute(RunHook.self, step, options: .runHook)
            } catch {
                outcome.fail("hook \(hook) failed: \(FailureText.line(of: error))")
            }
        }
    }
}

/// The part of an orchestrator that carries one query through: stage, plan, fan out, close.
private struct QueryWork: Sendable {
    let input: OrchestratorInput
    let query: QueryOutline
    let outline: RunOutline
    let window: ExecutorWindow
    let context: WorkflowContext

    func run() async {
        do {
            while !window.takeLane(query.lane) {
                _ = try await context.waitUntil { window.hasRoom(inLane: query.lane) }
            }
            defer { window.leaveLane(query.lane) }
            if window.isHandingOver || context.shouldContinueAsNew { return }
            if !query.isPlanned {
                _ = try await context.execute(RunQuery.self, query.queryID, options: .runQuery)
                _ = try await context.execute(PlanBuckets.self, query.queryID, options: .planBuckets)
            }
            try await fanOut()
            if window.isHandingOver || context.shouldContinueAsNew { return }
            _ = try await context.execute(
                CloseQuery.self,
                CloseQuery.Input(queryID: query.queryID, error: nil),
                options: .bookkeeping
            )
        } catch {
            await close(because: error)
        }
    }

    /// Starts executors in order, at most as many at once as the window has room for, and waits for the last one.
    private func fanOut() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var after = 0
            pages: while true {
                let page = try await nextPage(after: after)
                for number in page {
                    while !window.takeExecutor() {
                        _ = try await context.waitUntil { window.hasRoomForExecutor }
                    }
                    if window.handsOver(eventsLeft: eventsLeft) {
                        window.leaveExecutor()
                        break pages
                    }
                    group.addTask { try await execute(bucket: number) }
                }
                guard let last = page.last, input.only == nil else { break }
                after = last
            }
            try await group.waitForAll()
        }
    }

    private var eventsLeft: Int {
        let limit = context.info.historyLimit
        return limit.maximumEvents - limit.continueAsNewMargin - context.historyLength
    }

    private func nextPage(after: Int) async throws -> [Int] {
        if let only = input.only { return only.queryID == query.queryID ? [only.number] : [] }
        return try await context.execute(
            ListOpenBuckets.self,
            ListOpenBuckets.Input(queryID: query.queryID, after: after),
            options: .bookkeeping
        )
    }

    private func execute(bucket number: Int) async throws {
        defer { window.leaveExecutor() }
        let bucket = BucketReference(queryID: query.queryID, number: number)
        do {
            _ = try await context.executeChild(
                ExecutorWorkflow.self,
                id: "\(input.runID)/\(query.name)/\(number)",
                ExecutorInput(
                    cursor: BucketCursor(runID: input.runID, bucket: bucket),
                    retryPolicy: outline.retryPolicy
                )
            )
        } catch {
            let failed = CloseBucket.Input(bucket: bucket, error: FailureText.line(of: error))
            _ = try await context.execute(CloseBucket.self, failed, options: .bookkeeping)
        }
    }

    /// A query that could not be staged or planned is written down as failed; the others go on.
    private func close(because error: any Error) async {
        let closing = CloseQuery.Input(queryID: query.queryID, error: FailureText.line(of: error))
        // When even that cannot be written, FinishRun finds the query unfinished and says so.
        _ = try? await context.execute(CloseQuery.self, closing, options: .bookkeeping)
    }
}
