import Foundation
import Testing
import WorkflowEngine
import WorkflowTesting
import Workflows

@Suite("A crash at any commit leaves every execution before or after a turn", .timeLimit(.minutes(10)))
struct EngineCrashTests {
    /// Runs a parent with two chains, dies at one commit after another, and goes on each time with a new engine on the same histories.
    @Test("Before and after each commit", arguments: MemoryHistoryStore.CrashSide.allCases)
    func everyCommit(_ side: MemoryHistoryStore.CrashSide) async throws {
        let options = WorkflowOptions(historyLimit: HistoryLimit(maximumEvents: 60, continueAsNewMargin: 12))
        var commit = 1
        var isReached = true
        while isReached {
            let store = MemoryHistoryStore()
            store.crash(atCommit: commit, side)
            let workflows: [any Workflow.Type] = [Parent.self, Chain.self]
            let first = try await TestEngine.open(workflows: workflows, activities: [Increment()], store: store)
            do {
                _ = try await first.engine.start(
                    Parent.self,
                    id: "parent",
                    .init(children: 2, end: 12),
                    options: options
                )
                _ = try await first.engine.result(of: Parent.self, id: "parent")
                isReached = false
            } catch is MemoryHistoryStore.SimulatedCrash {}
            await first.crash()
            let second = try await TestEngine.open(workflows: workflows, activities: [Increment()], store: store)
            switch try await second.engine.describe("parent")?.status {
            case nil:
                _ = try await second.engine.start(
                    Parent.self,
                    id: "parent",
                    .init(children: 2, end: 12),
                    options: options
                )
            case .running: try await second.engine.adopt("parent")
            default: break
            }
            #expect(try await second.engine.result(of: Parent.self, id: "parent") == 24, "commit \(commit)")
            for execution in try await second.engine.executions(ExecutionFilter()) {
                #expect(execution.status != .running && execution.historyLength <= 60, "commit \(commit)")
                let history = try await second.engine.history(of: execution.executionID)
                #expect(history.map(\.id) == Array(1...history.count), "commit \(commit)")
            }
            await second.engine.shutdown(drain: .seconds(1))
            commit += 1
        }
        #expect(commit > 20)
    }

    @Test("Changed code is refused with the event, and the old code still carries on")
    func nondeterminism() async throws {
        let store = MemoryHistoryStore()
        let clock = ManualClock()
        let old = try await TestEngine.open(
            workflows: [VersionOne.self],
            activities: [Increment()],
            store: store,
            clock: clock,
            skipsTime: false
        )
        let id = try await old.engine.start(VersionOne.self, id: "v", Empty())
        // Let it come to its timer, by asking until the history holds it.
        while try await old.engine.history(of: id).contains(where: { $0.attributes.type == "TimerStarted" }) == false {
            await Task.yield()
        }
        await old.crash()
        clock.advance(by: .seconds(120))

        let changed = try await TestEngine.open(
            workflows: [VersionTwo.self],
            activities: [Increment(), Flaky()],
            store: store,
            clock: clock
        )
        try await changed.engine.adopt("v")
        let refusal = await #expect(throws: WorkflowClientError.self) {
            try await changed.engine.result(of: VersionTwo.self, id: "v")
        }
        #expect(refusal?.code == .stalled)
        let text = refusal?.message ?? ""
        #expect(text.contains("Event 3") && text.contains("Increment") && text.contains("Flaky"), "\(text)")
        #expect(try await changed.engine.describe("v")?.stall != nil)
        await changed.crash()

        let again = try await TestEngine.open(
            workflows: [VersionOne.self],
            activities: [Increment()],
            store: store,
            clock: clock
        )
        try await again.engine.adopt("v")
        #expect(try await again.engine.result(of: VersionOne.self, id: "v") == 3)
    }

    @Test("A live owner is respected, and named by its process id")
    func ownership() async throws {
        let file = temporaryFile()
        let owner = try await openEngine(try SQLiteHistoryStore(file: file), skipsTime: false)
        _ = try await owner.start(Mailbox.self, id: "box", 1)
        let other = try await openEngine(try SQLiteHistoryStore(file: file), skipsTime: false)
        let refusal = await #expect(throws: WorkflowClientError.self) { try await other.adopt("box") }
        guard case .ownedByLiveProcess(let live) = refusal?.code else {
            Issue.record("\(String(describing: refusal))")
            return
        }
        #expect(live.processID == Int(ProcessInfo.processInfo.processIdentifier))
        await owner.shutdown(drain: .seconds(1))
        try await other.adopt("box")
        try await other.signal("box", Mailbox.letter, "a")
        #expect(try await other.result(of: Mailbox.self, id: "box") == ["a"])
    }
}

@Suite("Time limits end attempts", .timeLimit(.minutes(10)))
struct EngineTimeoutTests {
    @Test(
        "Start-to-close, heartbeat and schedule-to-close",
        arguments: [TimeoutKind.startToClose, .heartbeat, .scheduleToClose]
    )
    func timeouts(_ kind: TimeoutKind) async throws {
        let (clock, hang) = (ManualClock(), Hang(started: Gate()))
        let engine = try await openEngine(MemoryHistoryStore(), activities: [hang], clock: clock, skipsTime: false)
        var options = ActivityOptions(startToClose: .seconds(100), retryPolicy: .never)
        switch kind {
        case .heartbeat: options.heartbeatTimeout = .seconds(10)
        case .scheduleToClose: options.scheduleToClose = .seconds(10)
        default: options.startToClose = .seconds(10)
        }
        let id = try await engine.start(Waiting.self, id: "w", options)
        await hang.started.pass()
        clock.advance(by: .seconds(11))
        let failure = await #expect(throws: ActivityFailure.self) { try await engine.result(of: Waiting.self, id: "w") }
        #expect((failure?.cause as? TimeoutFailure)?.kind == kind)
        #expect(try await engine.attempts(of: id).count == 1)
    }

    @Test("A shutdown does not wait for an activity that is begun anew anyway, and does not count the attempt")
    func cutShort() async throws {
        let (store, activity) = (MemoryHistoryStore(), Restartable(started: Gate()))
        let engine = try await openEngine(
            store,
            activities: [activity],
            workflows: [Restarting.self],
            clock: ManualClock(),
            skipsTime: false
        )
        let id = try await engine.start(Restarting.self, id: "r", Empty())
        await activity.started.pass()
        // The clock stands still: waiting for the activity would never end.
        await engine.shutdown(drain: .seconds(10))
        #expect(try await engine.attempts(of: id).isEmpty)
    }

    @Test(
        "A shutdown cancels an attempt that only waits at once, and does not count it; whoever carries on makes it again"
    )
    func waiting() async throws {
        let file = temporaryFile()
        let patient = Patient(isWaiting: Gate(), isOpen: Box(false))
        func open() async throws -> EmbeddedEngine {
            try await openEngine(
                try SQLiteHistoryStore(file: file),
                activities: [patient],
                workflows: [Patience.self],
                skipsTime: false
            )
        }
        let first = try await open()
        let id = try await first.start(Patience.self, id: "p", Empty())
        await patient.isWaiting.pass()
        // The clock stands still: waiting for the attempt would never end.
        await first.shutdown(drain: .seconds(10))
        patient.isOpen.value = true
        let second = try await open()
        try await second.adopt("p")
        #expect(try await second.result(of: Patience.self, id: "p") == 1, "the first attempt, once more")
        #expect(try await second.attempts(of: id).isEmpty)
        await second.shutdown(drain: .seconds(1))
    }

    @Test("An attempt that begins to wait while the engine shuts down is turned back; one at work is left to end")
    func beginsToWait() async throws {
        let idleness = ActivityIdleness()
        #expect(!idleness.shutDown(), "it is at work")
        let context = ActivityContext(info: .test, lastDetails: nil, idleness: idleness) { _ in }
        await #expect(throws: CancellationError.self) { try await context.whileIdle { Issue.record("it waited") } }
        let other = ActivityIdleness()
        let working = ActivityContext(info: .test, lastDetails: nil, idleness: other) { _ in }
        try await working.whileIdle {}
        _ = try? await working.whileIdle { throw CancellationError() }
        #expect(!other.shutDown(), "a wait that is over counts no more, however it ended")
        let third = ActivityIdleness()
        try await ActivityContext(info: .test, lastDetails: nil, idleness: third) { _ in }.whileIdle {
            #expect(third.shutDown())
        }
    }

    @Test("Awaiting what is not the context's stalls the execution and says so")
    func foreignWait() async throws {
        let engine = try await openEngine(MemoryHistoryStore())
        _ = try await engine.start(Stray.self, id: "stray", Empty())
        let refusal = await #expect(throws: WorkflowClientError.self) {
            try await engine.result(of: Stray.self, id: "stray")
        }
        #expect(refusal?.code == .stalled)
        #expect(refusal?.message.contains("Task.sleep") == true)
    }
}
