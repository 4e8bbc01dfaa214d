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
    /// Hooks that earlier executions of this chain have run.
    public var hooksDone: [String] = []
    /// How the run has ended, once that is judged and only hooks of the end are left.
    public var outcome: RunOutcome?

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
        var input = input
        if input.outcome == nil {
            var fault: String?
            do {
                try await publish(&input, in: context)
            } catch let handover as ContinueAsNew<OrchestratorInput> {
                throw handover
            } catch {
                fault = FailureText.line(of: error)
            }
            input.outcome = try await context.execute(
                JudgeRun.self,
                JudgeRun.Input(runID: input.runID, fault: fault),
                options: .bookkeeping
            )
        }
        try await runHooks(.after, of: &input, in: context)
        // Which of the two it is was decided before the first of them ran: one that fails does not call the others in.
        let began = input.hooksDone.contains { $0.hasPrefix(HookSpec.Moment.onSuccess.rawValue) }
        let isSuccess = began || input.outcome?.state == .complete
        try await runHooks(isSuccess ? .onSuccess : .onFailure, of: &input, in: context)
        let outcome = input.outcome ?? RunOutcome(state: .incomplete)
        return try await context.execute(
            FinishRun.self,
            FinishRun.Input(runID: input.runID, outcome: outcome),
            options: .bookkeeping
        )
    }

    private func publish(_ input: inout OrchestratorInput, in context: WorkflowContext) async throws {
        for hook in input.hooks(.before) where !input.hooksDone.contains(hook) {
            if context.shouldContinueAsNew { throw ContinueAsNew(input) }
            _ = try await context.execute(
                RunHook.self,
                RunHook.Input(runID: input.runID, hook: hook),
                options: .runHook
            )
            input.hooksDone.append(hook)
        }
        let outline = try await context.execute(PrepareRun.self, input, options: .prepareRun)
        if outline.stagesTogether {
            _ = try await context.execute(StageTogether.self, input.runID, options: .runQuery)
        }
        let window = ExecutorWindow(executors: outline.executors, lanes: outline.lanes)
        let (input, open) = (input, outline.queries)
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
        if window.isHandingOver || context.shouldContinueAsNew { throw ContinueAsNew(input) }
    }

    /// Runs the hooks of an end; one that fails makes the run incomplete and keeps none of the others from running.
    private func runHooks(
        _ moment: HookSpec.Moment,
        of input: inout OrchestratorInput,
        in context: WorkflowContext
    ) async throws {
        for hook in input.hooks(moment) where !input.hooksDone.contains(hook) {
            if context.shouldContinueAsNew { throw ContinueAsNew(input) }
            // A run is complete but once; the other ends may come again with each pass.
            let pass = moment == .onSuccess ? nil : input.pass
            let step = RunHook.Input(runID: input.runID, hook: hook, pass: pass, outcome: input.outcome)
            do {
                _ = try await context.execute(RunHook.self, step, options: .runHook)
            } catch {
                input.outcome?.fail("hook \(hook) failed: \(FailureText.line(of: error))")
            }
            input.hooksDone.append(hook)
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
