import Synchronization
public import Workflows

/// What an orchestrator is started with. The plan itself stays in the run store: histories only point to it.
public struct OrchestratorInput: Codable, Sendable {
    /// The run.
    public var runID: RunID
    /// Only this bucket, for `resume RUN --bucket N`; nil for all that is unfinished.
    public var only: BucketReference?
    /// Only these queries, for a redrive or repair; nil for all that is unfinished.
    public var queries: [QueryID]?
    /// How the steps are retried; nil in histories of versions that did not say.
    public var givenRetries: StepRetries?
    /// How often an orchestrator was started for the run, this time included.
    public var pass: Int
    /// The names of the spec's hooks, in the order in which they run.
    public var hooks: [String]
    /// Hooks that earlier executions of this chain have run.
    public var hooksDone: [String] = []
    /// How the run has ended, once that is judged and only hooks of the end are left.
    public var outcome: RunOutcome?

    /// How the steps are retried.
    var retries: StepRetries { givenRetries ?? .standard }

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
        let desk = ControlDesk(input, context: context)
        context.onSignal(ControlCommand.signal) { desk.inbox.put($0) }
        context.onQuery(OrchestratorSnapshot.query) { _ in desk.snapshot }
        return try await withThrowingTaskGroup(of: RunOutcome?.self) { group in
            group.addTask {
                try await desk.obey()
                return nil
            }
            group.addTask { try await carry(input, desk, in: context) }
            defer { group.cancelAll() }
            while let ended = try await group.next() { if let ended { return ended } }
            throw CanceledFailure(reason: "The orchestrator was cancelled.")
        }
    }

    private func carry(_ input: OrchestratorInput, _ desk: ControlDesk, in context: WorkflowContext) async throws
        -> RunOutcome
    {
        var input = input
        if input.outcome == nil {
            var fault: String?
            do {
                try await publish(&input, desk, in: context)
            } catch let handover as ContinueAsNew<OrchestratorInput> {
                throw handover
            } catch {
                fault = FailureText.line(of: error)
            }
            desk.latest.change { $0.stage = .finishing }
            input.outcome = try await context.execute(
                JudgeRun.self,
                JudgeRun.Input(runID: input.runID, fault: fault),
                options: .bookkeeping
            )
        }
        try await runHooks(.after, of: &input, desk, in: context)
        // Which of the two it is was decided before the first of them ran: one that fails does not call the others in.
        let began = input.hooksDone.contains { $0.hasPrefix(HookSpec.Moment.onSuccess.rawValue) }
        let isSuccess = began || input.outcome?.state == .complete
        try await runHooks(isSuccess ? .onSuccess : .onFailure, of: &input, desk, in: context)
        try await desk.finish()
        let outcome = input.outcome ?? RunOutcome(state: .incomplete)
        return try await context.execute(
            FinishRun.self,
            FinishRun.Input(runID: input.runID, pass: input.pass, outcome: outcome),
            options: .bookkeeping
        )
    }

    private func publish(_ input: inout OrchestratorInput, _ desk: ControlDesk, in context: WorkflowContext)
        async throws
    {
        for hook in input.hooks(.before) where !input.hooksDone.contains(hook) {
            if context.shouldContinueAsNew { throw try await desk.handover(input) }
            _ = try await context.execute(
                RunHook.self,
                RunHook.Input(runID: input.runID, hook: hook),
                options: .runHook(input.retries)
            )
            input.hooksDone.append(hook)
        }
        let outline = try await context.execute(PrepareRun.self, input, options: .prepareRun(input.retries))
        let window = ExecutorWindow(
            executors: outline.executors,
            lanes: outline.lanes,
            queries: outline.queries.map(\.lane)
        )
        desk.commands(window)
        desk.latest.take(outline)
        if outline.stagesTogether {
            let (runID, options) = (input.runID, ActivityOptions.runQuery(input.retries))
            _ = try await context.unlessStopped(window) {
                try await $0.execute(StageTogether.self, runID, options: options)
            }
        }
        let (input, open) = (input, outline.queries)
        await withTaskGroup(of: Void.self) { group in
            for query in open {
                group.addTask {
                    let work = QueryWork(
                        input: input,
                        query: query,
                        outline: outline,
                        window: window,
                        latest: desk.latest,
                        context: context
                    )
                    await work.run()
                }
            }
        }
        // Checked after the window has run empty: open children do not cross to the next execution.
        if !window.isStopping, window.isHandingOver || context.shouldContinueAsNew {
            throw try await desk.handover(input)
        }
    }

    /// Runs the hooks of an end; one that fails makes the run incomplete and keeps none of the others from running.
    private func runHooks(
        _ moment: HookSpec.Moment,
        of input: inout OrchestratorInput,
        _ desk: ControlDesk,
        in context: WorkflowContext
    ) async throws {
        for hook in input.hooks(moment) where !input.hooksDone.contains(hook) {
            if context.shouldContinueAsNew { throw try await desk.handover(input) }
            // A run is complete but once; the other ends may come again with each pass.
            let pass = moment == .onSuccess ? nil : input.pass
            let step = RunHook.Input(runID: input.runID, hook: hook, pass: pass, outcome: input.outcome)
            do {
                _ = try await context.execute(RunHook.self, step, options: .runHook(input.retries))
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
    let latest: Latest<OrchestratorSnapshot>
    let context: WorkflowContext

    func run() async {
        do {
            while !window.takeLane(query.lane) {
                _ = try await context.waitUntil { window.hasRoom(inLane: query.lane) || window.isClosing }
                if window.isClosing { return }
            }
            defer { window.leaveLane(query.lane) }
            if window.isClosing || context.shouldContinueAsNew { return }
            if !query.isPlanned {
                try await awaitWindow()
                latest.change(query.queryID) { $0.phase = .extracting }
                let staged = try await context.unlessStopped(window) {
                    try await $0.execute(RunQuery.self, query.queryID, options: .runQuery(input.retries))
                }
                if staged == nil { return }
                _ = try await context.execute(
                    PlanBuckets.self,
                    query.queryID,
                    options: .planBuckets(input.retries)
                )
            }
            while true {
                try await awaitWindow()
                if window.isClosing { return }
                latest.change(query.queryID) { $0.phase = .publishing }
                let isThrough = try await fanOut()
                if window.isClosing || context.shouldContinueAsNew { return }
                if isThrough { break }
            }
            _ = try await context.execute(
                CloseQuery.self,
                CloseQuery.Input(queryID: query.queryID, error: nil),
                options: .bookkeeping
            )
            latest.change(query.queryID) { $0.phase = .complete }
        } catch {
            await close(because: error)
        }
    }

    /// Sleeps, durably, until the spec's time window is open.
    private func awaitWindow() async throws {
        while outline.hasWindow == true, !window.isClosing {
            let seconds = try await context.execute(AskWindow.self, input.runID, options: .bookkeeping)
            if seconds <= 0 { return }
            latest.change(query.queryID) { $0.phase = .waiting }
            let window = window
            try await context.waitUntil(timeout: .seconds(seconds)) { window.isClosing }
        }
    }

    /// Starts executors in order, at most as many at once as the window has room for, and waits for the last one.
    ///
    /// - Returns: false when the time window shut before the last bucket.
    private func fanOut() async throws -> Bool {
        let shutter = Shutter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            var after = 0
            pages: while true {
                let page = try await nextPage(after: after)
                for number in page {
                    while !window.takeExecutor(inLane: query.lane) {
                        _ = try await context.waitUntil {
                            window.hasRoomForExecutor(inLane: query.lane) || window.isStopping || shutter.isShut
                        }
                        if window.isStopping || shutter.isShut { break pages }
                    }
                    if window.isStopping || shutter.isShut || window.handsOver(eventsLeft: eventsLeft) {
                        window.leaveExecutor(inLane: query.lane)
                        break pages
                    }
                    group.addTask { try await execute(bucket: number, shutter) }
                }
                guard let last = page.last, input.only == nil else { break }
                after = last
            }
            try await group.waitForAll()
        }
        return !shutter.isShut
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

    private func execute(bucket number: Int, _ shutter: Shutter) async throws {
        defer { window.leaveExecutor(inLane: query.lane) }
        let bucket = BucketReference(queryID: query.queryID, number: number)
        latest.change(query.queryID) { $0.open = ($0.open + [number]).sorted() }
        defer { latest.change(query.queryID) { $0.open.removeAll { $0 == number } } }
        do {
            let end = try await context.executeChild(
                ExecutorWorkflow.self,
                id: "\(input.runID)/\(query.name)/\(number)",
                ExecutorInput(
                    cursor: BucketCursor(runID: input.runID, bucket: bucket),
                    retryPolicy: input.retries.publish
                ),
                options: ChildWorkflowOptions(memo: [
                    "run": input.runID.rawValue, "query": query.name, "query_id": query.queryID.rawValue,
                    "bucket": String(number),
                ])
            )
            if end.isDone { latest.change(query.queryID) { $0.done += 1 } }
            switch end.turnedAway {
            case .stopped: window.stop()
            case .window: shutter.shut()
            case .later, nil: break
            }
        } catch {
            let failed = CloseBucket.Input(bucket: bucket, error: FailureText.line(of: error))
            latest.change(query.queryID) { $0.failed += 1 }
            _ = try await context.execute(CloseBucket.self, failed, options: .bookkeeping)
        }
    }

    /// A query that could not be staged or planned is written down as failed; the others go on.
    private func close(because error: any Error) async {
        let closing = CloseQuery.Input(queryID: query.queryID, error: FailureText.line(of: error))
        latest.change(query.queryID) { $0.phase = .failed }
        // When even that cannot be written, FinishRun finds the query unfinished and says so.
        _ = try? await context.execute(CloseQuery.self, closing, options: .bookkeeping)
    }
}

/// Whether the time window shut while a query's executors were at work.
private final class Shutter: Sendable {
    private let flag = Mutex(false)

    var isShut: Bool { flag.withLock { $0 } }
    func shut() { flag.withLock { $0 = true } }
}
