#if Temporal
import Foundation
import Logging
import TemporalEngine
import Testing
import WorkflowTesting
import Workflows

/// The histories lie in `Tests/WorkflowEngineTests/Histories/Temporal`, as a real server sent them. To record one for a new kind of event, add
/// its workflow to ``record()``, and type
///
///     BACKFILL_RECORD_HISTORIES=1 Tests/run.sh --filter WorkflowEngineTests.TemporalHistoryTests
///
/// which leaves those that are there as they are: an old history that still replays is worth more than a new one.
@Suite("Histories that a Temporal server kept are replayed by the same code, without a server", .serialized)
struct TemporalHistoryTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Histories/Temporal")
    private static let files =
        (try? FileManager.default.contentsOfDirectory(atPath: folder.path))?
        .filter { $0.hasSuffix(".history") }.sorted() ?? []
    private static let replayers = GoldenHistoryTests.replayers.merging(["Versioned": Replayer(VersionOne.self)]) { $1 }

    private static func data(_ file: String) throws -> Data { try Data(contentsOf: folder.appending(path: file)) }

    private static func history(_ file: String) throws -> [HistoryEvent] {
        try RecordedHistory(file: try data(file)).events()
    }

    private static func replayer(_ file: String) throws -> Replayer {
        try #require(replayers[String(file.prefix { $0 != "-" })], "\(file) is named like no workflow")
    }

    @Test("Each replays, and is written as it was read", arguments: files)
    func replays(file: String) throws {
        try Self.replayer(file).replay(try Self.history(file))
        let again = try RecordedHistory(file: try RecordedHistory(file: try Self.data(file)).file())
        #expect(try again.events() == Self.history(file))
    }

    @Test("Each that was cut off before any turn replays: a worker may take it over there", arguments: files)
    func replaysPrefixes(file: String) throws {
        let history = try Self.history(file)
        let turns = history.indices.filter { history[$0].attributes.type == "WorkflowTaskCompleted" }
        for turn in turns.dropFirst() { try Self.replayer(file).replay(Array(history.prefix(turn))) }
    }

    @Test(
        "Together they hold timers, signals, hand-overs, children, retries, failures, time limits, cancellations and a stall"
    )
    func coverage() throws {
        let histories = try Self.files.map { try Self.history($0) }
        let types = Set(histories.joined().map(\.attributes.type))
        for type in [
            "WorkflowExecutionSignaled", "WorkflowExecutionCancelRequested", "WorkflowExecutionContinuedAsNew",
            "WorkflowExecutionCanceled", "WorkflowExecutionFailed", "TimerStarted", "TimerFired", "TimerCanceled",
            "ActivityTaskFailed", "ActivityTaskTimedOut", "StartChildWorkflowExecutionInitiated",
            "ChildWorkflowExecutionCompleted",
        ] { #expect(types.contains(type), "no \(type)") }
        let retried = histories.joined().contains { event in
            if case .activityTaskStarted(_, let attempt, .some) = event.attributes { attempt > 1 } else { false }
        }
        #expect(retried, "no attempt after a failed one")
        // What is left out is seen by its gap: the server kept that a turn failed and was handed out again.
        #expect(try Self.data("Versioned-1.history").contains(Data("NondeterminismError".utf8)), "no stall")
    }

    @Test("A failure comes with its cause, and with why nothing more was tried")
    func causes() throws {
        let failures = try Self.files.filter { $0.hasPrefix("Stubborn") }.flatMap { try Self.history($0) }.compactMap {
            if case .activityTaskFailed(_, _, let failure, let state) = $0.attributes { (failure, state) } else { nil }
        }
        let (failure, state) = try #require(failures.first)
        #expect(state == .maximumAttemptsReached)
        #expect(failure.message == "activity Flaky failed after 3 attempts")
        #expect(failure.cause?.type == "Trouble" && failure.cause?.message == "deadlock detected, attempt 3")
    }

    @Test("Changed code is found out")
    func nondeterminism() throws {
        let files = Self.files.filter { $0.hasPrefix("Versioned") }
        #expect(!files.isEmpty)
        for file in files {
            let history = try Self.history(file)
            let error = #expect(throws: (any Error).self) { try Replayer(VersionTwo.self).replay(history) }
            #expect("\(error.map { "\($0)" } ?? "")".contains("the code asked for"))
        }
    }

    @Test("What is no history is refused")
    func noHistory() throws {
        for file in [Data(), Data("{}".utf8), Data([0x0a, 0x02, 0x08, 0x07])] {
            #expect(throws: TemporalError.self) { try RecordedHistory(file: file) }
        }
    }

    @Test(
        "Recorded anew",
        .enabled(
            if: ProcessInfo.processInfo.environment["BACKFILL_RECORD_HISTORIES"] != nil
                && EngineKind.temporalAddress != nil
        )
    )
    func record() async throws {
        let recorder = try await Recorder(in: Self.folder)
        let hang = Hang(started: Gate())
        let limit = WorkflowOptions(historyLimit: HistoryLimit(maximumEvents: 60, continueAsNewMargin: 12))
        let policy = RetryPolicy(
            initialInterval: .milliseconds(50),
            maximumAttempts: 2,
            rules: [RetryRule(causePattern: "dead.*lock", action: .retry(RetryOverrides(maximumAttempts: 3)))]
        )
        try await recorder.with(allWorkflows + [VersionOne.self], [Increment(), Flaky(), hang]) { client in
            _ = try await client.start(Parent.self, id: "parent", .init(children: 2, end: 20), options: limit)
            _ = try await client.start(Fan.self, id: "fan", 4)
            _ = try await client.start(Sleeper.self, id: "sleeper", 1)
            for failures in [2, 9] {
                let input = Stubborn.Input(failures: failures, policy: policy)
                _ = try await client.start(Stubborn.self, id: "stubborn-\(failures)", input)
            }
            let impatient = ActivityOptions(startToClose: .seconds(1), retryPolicy: .never)
            _ = try await client.start(Waiting.self, id: "waiting", impatient)
            _ = try await client.start(Mailbox.self, id: "mailbox", -2)
            for letter in ["a", "b"] { try await client.signal("mailbox", Mailbox.letter, letter) }
            try await client.signal("mailbox", Mailbox.handOver, Empty())
            _ = try await client.start(Neglectful.self, id: "neglectful", .requestCancel)
            _ = try await client.start(Tidy.self, id: "tidy", Empty())
            while try await client.describe("tidy")?.historyLength ?? 0 < 5 { await Task.yield() }
            try await client.cancel("tidy", reason: "enough")
            _ = try await client.start(VersionOne.self, id: "versioned", Empty())
            while try await client.describe("versioned")?.historyLength ?? 0 < 10 { await Task.yield() }
            _ = try await client.result(of: Parent.self, id: "parent")
            _ = try? await client.result(of: Tidy.self, id: "tidy")
        }
        // The timer fires into a program that asks for something else, which is mended then.
        try await recorder.with([VersionTwo.self], [Increment(), Flaky()]) { client in
            while try await client.describe("versioned")?.stall == nil { await Task.yield() }
        }
        try await recorder.with([VersionOne.self], [Increment()]) { client in
            _ = try await client.result(of: VersionOne.self, id: "versioned")
        }
        try await recorder.write()
    }
}

/// Runs workflows on a Temporal server and keeps the histories that it made of them.
private struct Recorder {
    let folder: URL
    let client: TemporalClient
    private let prefix = "\(UUID().uuidString)/"
    private let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    init(in folder: URL) async throws {
        self.folder = folder
        client = try await TemporalClient.connect(
            to: try TemporalAddress(EngineKind.temporalAddress ?? ""),
            options: TemporalOptions(taskQueue: "recorder-\(UUID().uuidString)", identity: "somebody@somewhere"),
            logger: logger
        )
    }

    func with(
        _ workflows: [any Workflow.Type],
        _ activities: [any Activity],
        _ body: (TestedEngine) async throws -> Void
    ) async throws {
        let worker = TemporalWorker(client, workflows: workflows, activities: activities, logger: logger)
        worker.start()
        try await body(TestedEngine(client: client, prefix: prefix) {})
        await worker.shutdown(drain: .seconds(1))
    }

    func write() async throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var counts: [String: Int] = [:]
        for execution in try await client.executions(ExecutionFilter(workflowIDPrefix: prefix)) {
            counts[execution.workflowType, default: 0] += 1
            let name = "\(execution.workflowType)-\(counts[execution.workflowType] ?? 0).history"
            let file = folder.appending(path: name)
            if FileManager.default.fileExists(atPath: file.path) { continue }
            try await client.recording(of: execution.executionID).file().write(to: file)
        }
        await client.close()
    }
}
#endif
