import Foundation
import Logging
import Testing
import WorkflowEngine
import WorkflowTesting
import Workflows

func temporaryFile() -> URL {
    FileManager.default.temporaryDirectory.appending(path: "engine-\(UUID().uuidString).sqlite")
}

let allWorkflows: [any Workflow.Type] = [
    Fan.self, Stubborn.self, Waiting.self, Sleeper.self, Chain.self, Parent.self, Neglectful.self, Mailbox.self,
    Tidy.self,
    Large.self, Stray.self, Restless.self,
]

/// An engine for a test, on any store, whose clock skips what nobody works in.
func openEngine(
    _ store: any HistoryStore,
    activities: [any Activity] = [Increment(), Flaky(), Beating()],
    workflows: [any Workflow.Type] = allWorkflows,
    clock: ManualClock = ManualClock(),
    skipsTime: Bool = true,
    options: EngineOptions = EngineOptions(requestInterval: nil)
) async throws -> EmbeddedEngine {
    try await EmbeddedEngine.open(
        store: store,
        workflows: workflows,
        activities: activities,
        options: options,
        clock: clock,
        logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
        onIdle: { next in if skipsTime, let next { clock.move(to: next) } }
    )
}

@Suite("Every engine carries workflows the same way", .timeLimit(.minutes(10)))
struct EngineConformanceTests {
    @Test(
        "Task groups of activities give the same result and the same history every time",
        arguments: EngineKind.allCases
    )
    func taskGroups(_ kind: EngineKind) async throws {
        var shapes: Set<[String]> = []
        for _ in 0..<3 {
            try await kind.withEngine { engine in
                let id = try await engine.start(Fan.self, id: "fan", 8)
                #expect(try await engine.result(of: Fan.self, id: "fan") == (0..<8).map { $0 * 10 + 2 })
                let history = try await engine.history(of: id)
                try Replayer(Fan.self).replay(history)
                // The order of answers is the world's; what the code asks for first is its own.
                shapes.insert(history.prefix(10).map(\.attributes.summary))
            }
        }
        #expect(shapes.count == 1)
    }

    @Test("Whatever happened to a workflow, its history replays", arguments: EngineKind.allCases)
    func histories(_ kind: EngineKind) async throws {
        try await kind.withEngine(skipsTime: false) { engine in
            let limit = WorkflowOptions(historyLimit: HistoryLimit(maximumEvents: 60, continueAsNewMargin: 12))
            _ = try await engine.start(Parent.self, id: "parent", .init(children: 2, end: 12), options: limit)
            _ = try await engine.result(of: Parent.self, id: "parent")
            let never = RetryPolicy(rules: [RetryRule(causePattern: "dead.*detected", action: .never)])
            _ = try await engine.start(Stubborn.self, id: "failed", .init(failures: 1, policy: never))
            _ = try? await engine.result(of: Stubborn.self, id: "failed")
            _ = try await engine.start(Mailbox.self, id: "handed", -1)
            try await engine.signal("handed", Mailbox.letter, "x")
            try await engine.signal("handed", Mailbox.handOver, Empty())
            _ = try await engine.result(of: Mailbox.self, id: "handed")
            _ = try await engine.start(Tidy.self, id: "cancelled", Empty())
            try await engine.cancel("cancelled", reason: "enough")
            _ = try? await engine.result(of: Tidy.self, id: "cancelled")
            _ = try await engine.start(Neglectful.self, id: "neglectful", .requestCancel)
            _ = try await engine.result(of: Neglectful.self, id: "neglectful")

            var replayed = 0
            func replay<W: Workflow>(_ type: W.Type, _ workflowID: String) async throws {
                for execution in try await engine.chain(of: workflowID) {
                    try Replayer(type).replay(try await engine.history(of: execution.executionID))
                    replayed += 1
                }
            }
            try await replay(Parent.self, "parent")
            for child in 0..<2 { try await replay(Chain.self, "parent/\(child)") }
            try await replay(Stubborn.self, "failed")
            try await replay(Mailbox.self, "handed")
            try await replay(Tidy.self, "cancelled")
            try await replay(Neglectful.self, "neglectful")
            try await replay(Mailbox.self, "neglectful/child")
            #expect(replayed >= 9)
        }
    }

    @Test("A failed attempt is tried again, and every failure is kept", arguments: EngineKind.allCases)
    func retries(_ kind: EngineKind) async throws {
        try await kind.withEngine { engine in
            let id = try await engine.start(
                Stubborn.self,
                id: "s",
                .init(failures: 3, policy: RetryPolicy(maximumAttempts: 5))
            )
            #expect(try await engine.result(of: Stubborn.self, id: "s") == 4)
            let attempts = try await engine.attempts(of: id)
            #expect(attempts.map(\.attempt) == (kind.keepsAttempts ? [1, 2, 3] : [3]))
            #expect(attempts.allSatisfy { $0.failure.type == "Trouble" && $0.failure.message.contains("deadlock") })
            guard kind.keepsAttempts else { return }
            // One second, doubled each time.
            let waits = attempts.compactMap { attempt in attempt.nextAttemptAt?.timeIntervalSince(attempt.closedAt) }
            #expect(waits == [1, 2, 4])
            #expect(try await engine.history(of: id).count == 7)
        }
    }

    @Test("A rule on the text of the cause stops retries, or allows more", arguments: EngineKind.allCases)
    func retryRules(_ kind: EngineKind) async throws {
        try await kind.withEngine { engine in
            let never = RetryPolicy(rules: [RetryRule(causePattern: "dead.*detected", action: .never)])
            _ = try await engine.start(Stubborn.self, id: "never", .init(failures: 1, policy: never))
            let failure = await #expect(throws: ActivityFailure.self) {
                try await engine.result(of: Stubborn.self, id: "never")
            }
            #expect(failure?.retryState == .nonRetryableFailure)
            let more = RetryPolicy(
                maximumAttempts: 1,
                rules: [RetryRule(errorType: "Trouble", action: .retry(RetryOverrides(maximumAttempts: 4)))]
            )
            _ = try await engine.start(Stubborn.self, id: "more", .init(failures: 3, policy: more))
            #expect(try await engine.result(of: Stubborn.self, id: "more") == 4)
        }
    }

    @Test("Timers are durable and skip nothing", arguments: EngineKind.allCases)
    func timers(_ kind: EngineKind) async throws {
        try await kind.withEngine { engine in
            let seconds = kind.canSkipTime ? 30 * 86400 : 1
            _ = try await engine.start(Sleeper.self, id: "sleep", seconds)
            let slept = try await engine.result(of: Sleeper.self, id: "sleep")
            #expect(kind.canSkipTime ? slept == Double(seconds) : slept >= Double(seconds))
        }
    }

    @Test("A chain stays within its limit, and its parent sees one child", arguments: EngineKind.allCases)
    func continueAsNew(_ kind: EngineKind) async throws {
        try await kind.withEngine { engine in
            let limit = WorkflowOptions(historyLimit: HistoryLimit(maximumEvents: 60, continueAsNewMargin: 12))
            let id = try await engine.start(Parent.self, id: "parent", .init(children: 3, end: 50), options: limit)
            #expect(try await engine.result(of: Parent.self, id: "parent") == 150)
            for child in 0..<3 {
                let chain = try await engine.chain(of: "parent/\(child)")
                #expect(chain.count > 2)
                #expect(chain.allSatisfy { $0.historyLength <= 60 })
                #expect(chain.map(\.status) == Array(repeating: .continuedAsNew, count: chain.count - 1) + [.completed])
                #expect(zip(chain, chain.dropFirst()).allSatisfy { $1.previousExecutionID == $0.executionID })
            }
            let completions = try await engine.history(of: id).filter {
                if case .childWorkflowExecutionCompleted = $0.attributes { true } else { false }
            }
            #expect(completions.count == 3)
        }
    }

    @Test("At the history limit an execution that does not hand over fails", arguments: EngineKind.allCases)
    func historyLimit(_ kind: EngineKind) async throws {
        try await kind.withEngine { engine in
            let limit = WorkflowOptions(historyLimit: HistoryLimit(maximumEvents: 30, continueAsNewMargin: 0))
            let id = try await engine.start(Fan.self, id: "wide", 40, options: limit)
            await #expect(throws: ApplicationFailure.self) { try await engine.result(of: Fan.self, id: "wide") }
            #expect(try await engine.history(of: id).count <= 30)
            #expect(try await engine.describe("wide")?.status == .failed)
        }
    }

    @Test("A result above the payload limit fails with advice", arguments: EngineKind.allCases)
    func payloadLimit(_ kind: EngineKind) async throws {
        try await kind.withEngine { engine in
            _ = try await engine.start(Large.self, id: "fits", 200_000)
            #expect(try await engine.result(of: Large.self, id: "fits").count == 200_000)
            _ = try await engine.start(Large.self, id: "large", 300_000)
            let failure = await #expect(throws: ApplicationFailure.self) {
                try await engine.result(of: Large.self, id: "large")
            }
            #expect(failure?.type == "PayloadTooLarge")
            #expect(failure?.message.contains("reference") == true)
        }
    }

    @Test(
        "Signals arrive in order, also those that came before the handler and across a hand-over",
        arguments: EngineKind.allCases
    )
    func signals(_ kind: EngineKind) async throws {
        try await kind.withEngine(skipsTime: false) { engine in
            _ = try await engine.start(Mailbox.self, id: "box", 3)
            for letter in ["a", "b"] { try await engine.signal("box", Mailbox.letter, letter) }
            #expect(try await engine.query("box", Mailbox.count, Empty()) == 2)
            try await engine.signal("box", Mailbox.letter, "c")
            #expect(try await engine.result(of: Mailbox.self, id: "box") == ["a", "b", "c"])

            _ = try await engine.start(Mailbox.self, id: "handed", -2)
            for letter in ["x", "y"] { try await engine.signal("handed", Mailbox.letter, letter) }
            try await engine.signal("handed", Mailbox.handOver, Empty())
            #expect(try await engine.result(of: Mailbox.self, id: "handed") == ["x", "y"])
            #expect(try await engine.chain(of: "handed").count == 2)
        }
    }

    @Test(
        "A child does what its close policy says",
        arguments: EngineKind.allCases,
        [ParentClosePolicy.terminate, .requestCancel, .abandon]
    )
    func closePolicies(_ kind: EngineKind, _ policy: ParentClosePolicy) async throws {
        try await kind.withEngine(skipsTime: false) { engine in
            _ = try await engine.start(Neglectful.self, id: "parent", policy)
            _ = try await engine.result(of: Neglectful.self, id: "parent")
            let expected: ExecutionStatus
            switch policy {
            case .terminate:
                expected = .terminated
                await #expect(throws: TerminatedFailure.self) {
                    try await engine.result(of: Mailbox.self, id: "parent/child")
                }
            case .requestCancel:
                expected = .canceled
                await #expect(throws: CanceledFailure.self) {
                    try await engine.result(of: Mailbox.self, id: "parent/child")
                }
            case .abandon:
                expected = .completed
                try await engine.signal("parent/child", Mailbox.letter, "still here")
                #expect(try await engine.result(of: Mailbox.self, id: "parent/child") == ["still here"])
            }
            #expect(try await engine.describe("parent/child")?.status == expected)
        }
    }

    @Test("Workflows that never rest keep nobody from asking and telling", arguments: EngineKind.allCases, [1, 3])
    func restless(_ kind: EngineKind, count: Int) async throws {
        try await kind.withEngine { engine in
            for number in 1...count {
                _ = try await engine.start(Restless.self, id: "restless-\(number)", Empty(), options: WorkflowOptions())
            }
            for number in 1...count {
                #expect(try await engine.describe("restless-\(number)")?.status == .running)
                try await engine.signal("restless-\(number)", Restless.stop, Empty())
                _ = try await engine.result(of: Restless.self, id: "restless-\(number)")
            }
        }
    }

    @Test("Cancellation lets a workflow clean up; termination does not", arguments: EngineKind.allCases)
    func cancellation(_ kind: EngineKind) async throws {
        let increment = Increment()
        try await kind.withEngine(activities: [increment], skipsTime: false) { engine in
            _ = try await engine.start(Tidy.self, id: "asked", Empty())
            try await engine.cancel("asked", reason: "enough")
            await #expect(throws: CanceledFailure.self) { try await engine.result(of: Tidy.self, id: "asked") }
            #expect(increment.runs.all == ["1000": 1])
            _ = try await engine.start(Tidy.self, id: "ended", Empty())
            try await engine.terminate("ended", reason: "now")
            await #expect(throws: TerminatedFailure.self) { try await engine.result(of: Tidy.self, id: "ended") }
            #expect(increment.runs.all == ["1000": 1])
        }
    }

    @Test("An open workflow id is refused, a closed one may be used again", arguments: EngineKind.allCases)
    func workflowIDs(_ kind: EngineKind) async throws {
        try await kind.withEngine(skipsTime: false) { engine in
            _ = try await engine.start(Mailbox.self, id: "box", 1)
            let refusal = await #expect(throws: WorkflowClientError.self) {
                try await engine.start(Mailbox.self, id: "box", 1)
            }
            #expect(refusal?.code == .alreadyRunning)
            try await engine.signal("box", Mailbox.letter, "a")
            _ = try await engine.result(of: Mailbox.self, id: "box")
            let once = WorkflowOptions(idReusePolicy: .rejectDuplicate)
            let second = await #expect(throws: WorkflowClientError.self) {
                try await engine.start(Mailbox.self, id: "box", 1, options: once)
            }
            #expect(second?.code == .alreadyUsed)
            _ = try await engine.start(Mailbox.self, id: "box", 1)
            #expect(try await engine.chain(of: "box").count == 2)
        }
    }

    @Test("Heartbeat details reach the next attempt", arguments: EngineKind.allCases)
    func heartbeats(_ kind: EngineKind) async throws {
        try await kind.withEngine(workflows: [BeatingOnce.self]) { engine in
            _ = try await engine.start(BeatingOnce.self, id: "beat", Empty())
            #expect(try await engine.result(of: BeatingOnce.self, id: "beat") == 42)
        }
    }
}

struct BeatingOnce: Workflow {
    func run(_ input: Empty, in context: WorkflowContext) async throws -> Int {
        try await context.execute(Beating.self, input, options: .test)
    }
}
