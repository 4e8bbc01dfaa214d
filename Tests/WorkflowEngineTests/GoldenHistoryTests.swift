import Foundation
import Testing
import WorkflowEngine
import WorkflowTesting
import Workflows

/// The histories lie in `Tests/WorkflowEngineTests/Histories`. To record one for a new kind of event, add its workflow to ``record()`` and type
///
///     BACKFILL_RECORD_HISTORIES=1 swift test --filter WorkflowEngineTests.GoldenHistoryTests
///
/// which leaves those that are there as they are: an old history that still replays is worth more than a new one.
@Suite("Histories that were recorded before are replayed by today's engine", .serialized)
struct GoldenHistoryTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Histories")
    private static let files =
        (try? FileManager.default.contentsOfDirectory(atPath: folder.path))?
        .filter { $0.hasSuffix(".json") }.sorted() ?? []
    /// By the beginnings of the files' names.
    static let replayers = [
        "Parent": Replayer(Parent.self), "Chain": Replayer(Chain.self), "Mailbox": Replayer(Mailbox.self),
        "Sleeper": Replayer(Sleeper.self), "Stubborn": Replayer(Stubborn.self), "Tidy": Replayer(Tidy.self),
        "Neglectful": Replayer(Neglectful.self), "Waiting": Replayer(Waiting.self), "Fan": Replayer(Fan.self),
    ]

    private static func history(_ file: String) throws -> [HistoryEvent] {
        try Replayer.read(try Data(contentsOf: folder.appending(path: file)))
    }

    private static func replayer(_ file: String) throws -> Replayer {
        try #require(replayers[String(file.prefix { $0 != "-" })], "\(file) is named like no workflow")
    }

    @Test("Each replays, and is written as it was read", arguments: files)
    func replays(file: String) throws {
        let data = try Data(contentsOf: Self.folder.appending(path: file))
        let history = try Replayer.read(data)
        try Self.replayer(file).replay(history)
        #expect(try Replayer.read(try Replayer.write(history)) == history)
    }

    @Test("Together they hold timers, signals, hand-overs, children, failures, time limits and cancellations")
    func coverage() throws {
        let types = Set(try Self.files.flatMap { try Self.history($0) }.map(\.attributes.type))
        for type in [
            "WorkflowExecutionSignaled", "WorkflowExecutionCancelRequested", "WorkflowExecutionContinuedAsNew",
            "WorkflowExecutionCanceled", "WorkflowExecutionFailed", "TimerStarted", "TimerFired", "TimerCanceled",
            "ActivityTaskFailed", "ActivityTaskTimedOut", "StartChildWorkflowExecutionInitiated",
            "ChildWorkflowExecutionCompleted",
        ] { #expect(types.contains(type), "no \(type)") }
    }

    @Test("Changed code is found out")
    func nondeterminism() throws {
        let history = try Self.history("Sleeper-1.json")
        #expect(throws: (any Error).self) { try Replayer(Tidy.self).replay(try Self.history("Chain-1.json")) }
        #expect(throws: (any Error).self) { try Replayer(Stubborn.self).replay(history) }
    }

    @Test("Recorded anew", .enabled(if: ProcessInfo.processInfo.environment["BACKFILL_RECORD_HISTORIES"] != nil))
    func record() async throws {
        let limit = WorkflowOptions(historyLimit: HistoryLimit(maximumEvents: 60, continueAsNewMargin: 12))
        let engine = try await openEngine(MemoryHistoryStore())
        _ = try await engine.start(Parent.self, id: "parent", .init(children: 2, end: 20), options: limit)
        _ = try? await engine.result(of: Parent.self, id: "parent")
        _ = try await engine.start(Fan.self, id: "fan", 4)
        _ = try? await engine.result(of: Fan.self, id: "fan")
        _ = try await engine.start(Sleeper.self, id: "sleeper", 30 * 86400)
        _ = try? await engine.result(of: Sleeper.self, id: "sleeper")
        let policy = RetryPolicy(
            maximumAttempts: 2,
            rules: [RetryRule(causePattern: "dead.*lock", action: .retry(RetryOverrides(maximumAttempts: 3)))]
        )
        for failures in [2, 9] {
            _ = try await engine.start(
                Stubborn.self,
                id: "stubborn-\(failures)",
                .init(failures: failures, policy: policy)
            )
            _ = try? await engine.result(of: Stubborn.self, id: "stubborn-\(failures)")
        }
        _ = try await engine.start(Mailbox.self, id: "mailbox", -2)
        for letter in ["a", "b"] { try await engine.signal("mailbox", Mailbox.letter, letter) }
        try await engine.signal("mailbox", Mailbox.handOver, Empty())
        _ = try? await engine.result(of: Mailbox.self, id: "mailbox")
        _ = try await engine.start(Neglectful.self, id: "neglectful", .requestCancel)
        _ = try? await engine.result(of: Neglectful.self, id: "neglectful")
        try await write(engine)
        await engine.shutdown(drain: .seconds(1))

        // What waits is acted upon by hand: a clock that skips would end the wait first.
        let (clock, hang) = (ManualClock(), Hang(started: Gate()))
        let still = try await openEngine(
            MemoryHistoryStore(),
            activities: [hang, Increment()],
            clock: clock,
            skipsTime: false
        )
        _ = try await still.start(
            Waiting.self,
            id: "waiting",
            ActivityOptions(startToClose: .seconds(10), retryPolicy: .never)
        )
        await hang.started.pass()
        clock.advance(by: .seconds(11))
        _ = try? await still.result(of: Waiting.self, id: "waiting")
        _ = try await still.start(Tidy.self, id: "tidy", Empty())
        try await still.cancel("tidy", reason: "enough")
        _ = try? await still.result(of: Tidy.self, id: "tidy")
        try await write(still)
        await still.shutdown(drain: .seconds(1))
    }

    private func write(_ engine: EmbeddedEngine) async throws {
        var counts: [String: Int] = [:]
        for execution in try await engine.executions(ExecutionFilter()).sorted(by: { $0.executionID < $1.executionID })
        {
            counts[execution.workflowType, default: 0] += 1
            let name = "\(execution.workflowType)-\(counts[execution.workflowType] ?? 0).json"
            let file = Self.folder.appending(path: name)
            if FileManager.default.fileExists(atPath: file.path) { continue }
            try Replayer.write(try await engine.history(of: execution.executionID)).write(to: file)
        }
    }
}
