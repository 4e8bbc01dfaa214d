#if Temporal
import Foundation
import Logging
import TemporalEngine
import TestSupport
import Testing
import WorkflowTesting
import Workflows

@testable import BackfillKit

/// The histories lie in `Tests/BackfillKitTests/Histories/Temporal`: real runs on a real server, as it sent them. To record them anew, type
///
///     BACKFILL_RECORD_HISTORIES=1 Tests/run.sh --filter BackfillKitTests.TemporalHistoryTests
///
/// which leaves those that are there as they are. One that does not replay any more means that no run of that version could go on: mend the
/// workflow, not the history.
@Suite("Runs that a Temporal server kept are carried on by today's workflows", .serialized)
struct TemporalHistoryTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Histories/Temporal")
    private static let files =
        (try? FileManager.default.contentsOfDirectory(atPath: folder.path))?
        .filter { $0.hasSuffix(".history") }.sorted() ?? []

    private static func history(_ file: String) throws -> [HistoryEvent] {
        try RecordedHistory(file: try Data(contentsOf: folder.appending(path: file))).events()
    }

    private static func replayer(_ file: String) -> Replayer {
        file.hasPrefix("orchestrator") ? Replayer(OrchestratorWorkflow.self) : Replayer(ExecutorWorkflow.self)
    }

    @Test("Each replays", arguments: files)
    func replays(file: String) throws { try Self.replayer(file).replay(try Self.history(file)) }

    @Test("Each that was cut off before any turn replays: a worker may take it over there", arguments: files)
    func replaysPrefixes(file: String) throws {
        for part in try Self.history(file).cutOffBeforeTurns { try Self.replayer(file).replay(part) }
    }

    @Test("Together they hold hand-overs, commands, children, attempts that failed, failed buckets and a cancellation")
    func coverage() throws {
        let histories = try Self.files.map { try Self.history($0) }
        let types = Set(histories.joined().map(\.attributes.type))
        for type in [
            "WorkflowExecutionContinuedAsNew", "WorkflowExecutionSignaled", "ActivityTaskFailed",
            "ChildWorkflowExecutionCompleted", "ChildWorkflowExecutionFailed", "WorkflowExecutionCompleted",
            "WorkflowExecutionFailed",
        ] { #expect(types.contains(type), "no \(type)") }
        for name in ["orchestrator-steered-2", "executor-chain-2", "orchestrator-cancelled-1"] {
            #expect(Self.files.contains("\(name).history"), "no \(name)")
        }
    }

    @Test("The query `progress` is answered from them as the server's tools would have been")
    func progress() throws {
        let orchestrator = try Self.replayer("orchestrator").query(
            OrchestratorSnapshot.query,
            ProgressQuestion(),
            after: try Self.history("orchestrator-failing-1.history")
        )
        #expect(orchestrator.stage == .finishing && orchestrator.queries.first?.failed ?? 0 > 0)
        let executor = try Self.replayer("executor").query(
            ExecutorSnapshot.query,
            ProgressQuestion(),
            after: try Self.history("executor-chain-2.history")
        )
        #expect(executor.done && executor.batches > 1 && executor.next == executor.end)
    }

    @Test("Code that asks for something else is found out", arguments: files)
    func nondeterminism(file: String) throws {
        let changed = try Self.history(file).withOtherActivity()
        #expect(throws: (any Error).self) { try Self.replayer(file).replay(changed) }
    }

    // MARK: Recording

    @Test(
        "Recorded anew",
        .enabled(
            if: ProcessInfo.processInfo.environment["BACKFILL_RECORD_HISTORIES"] != nil && TestTemporal.isThere
        )
    )
    func record() async throws {
        try await Recorder.with(folder: Self.folder) { recorder in
            let steered = try await recorder.start(
                "steered",
                ["buckets: 8", "executors: 3", "batch: 2", "pace: 200/s", "history-limit: 100", Recorder.table]
            )
            try await recorder.until(steered, published: 20)
            try await recorder.command(.pause, steered)
            try await recorder.command(.throttle(Throttle(records: 300)), steered)
            try await recorder.command(.resume, steered)
            _ = try await recorder.backfill.outcome(of: steered)
            try await recorder.write(steered.rawValue, as: "orchestrator-steered")
            try await recorder.write("\(steered)/all/1", as: "executor-chain")

            // Nobody listens on port 1.
            let failing = try await recorder.start(
                "failing",
                ["buckets: 2", "batch: 100", "sinks: [{http: {url: \"http://127.0.0.1:1/\"}}]"]
            )
            _ = try await recorder.backfill.outcome(of: failing)
            try await recorder.write(failing.rawValue, as: "orchestrator-failing")
            try await recorder.write("\(failing)/all/1", as: "executor-failing")

            let cancelled = try await recorder.start(
                "cancelled",
                ["buckets: 2", "batch: 5", "pace: 50/s", Recorder.table]
            )
            try await recorder.until(cancelled, published: 10)
            try await recorder.command(.cancel, cancelled)
            _ = try await recorder.backfill.outcome(of: cancelled)
            try await recorder.write(cancelled.rawValue, as: "orchestrator-cancelled")
            try await recorder.write("\(cancelled)/all/1", as: "executor-cancelled")
        }
    }
}

/// Runs backfills on a Temporal server and keeps the histories that it made of them.
private struct Recorder {
    static let table = "sinks: [{table: {database: sqlite:target.sqlite, name: person, mode: upsert, create: true}}]"

    let folder: URL
    let client: TemporalClient
    let backfill: Backfill
    let store: RunStore
    let place: URL

    static func with(folder: URL, _ body: (Recorder) async throws -> Void) async throws {
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let scratch = try ScratchFolder()
        let state = StateFolder(scratch.file("state"))
        try state.create()
        let store = try RunStore(file: state.storeFile)
        let runtime = BackfillRuntime(
            state: state,
            store: store,
            environment: [:],
            fleet: Fleet(workerID: "worker", batchesPerActivity: 2),
            logger: logger
        )
        let client = try await TemporalClient.connect(
            to: try TemporalAddress(TestTemporal.address ?? ""),
            options: TemporalOptions(taskQueue: "recorder-\(UUID().uuidString)", identity: "somebody@somewhere"),
            logger: logger
        )
        let worker = TemporalWorker(
            client,
            workflows: BackfillRuntime.workflows,
            activities: runtime.activities,
            logger: logger
        )
        worker.start()
        let backfill = Backfill(runtime: runtime, client: client, adopt: { _ in })
        let recorder = Recorder(folder: folder, client: client, backfill: backfill, store: store, place: scratch.url)
        try await body(recorder)
        await worker.shutdown(drain: .seconds(5))
        await client.close()
        await runtime.close()
    }

    func start(_ name: String, _ lines: [String]) async throws -> RunID {
        let sql =
            "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 800) SELECT id, 'name ' || id AS name FROM n"
        let text = """
            name: \(name)
            source: sqlite:source.sqlite
            queries: [{name: all, sql: "\(sql)", key: id}]
            retry: {maximum-attempts: 2, initial-interval: 10ms}
            \(lines.joined(separator: "\n"))
            """
        let source = place.appending(path: "source.sqlite").path
        if !FileManager.default.fileExists(atPath: source) { try Data().write(to: URL(filePath: source)) }
        let spec = try BackfillSpec.parse(text: text, file: "\(place.path)/\(name).yaml", environment: [:])
        let run = try await backfill.create(spec)
        try await backfill.start(run)
        return run
    }

    func until(_ run: RunID, published: Int64) async throws {
        while try await ProgressReader(store).runs(run).first?.published ?? 0 < published { await Task.yield() }
    }

    /// Hands in a command, and waits until it is carried out.
    func command(_ verb: ControlCommand.Verb, _ run: RunID) async throws {
        let command = ControlCommand(verb, RunControl.Request(by: "somebody@somewhere", at: store.nowMilliseconds))
        _ = try await backfill.command(command, to: run)
        while try await !backfill.holds(command, run) { await Task.yield() }
    }

    func write(_ workflowID: String, as name: String) async throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (number, execution) in try await client.chain(of: workflowID).enumerated() {
            let file = folder.appending(path: "\(name)-\(number + 1).history")
            if FileManager.default.fileExists(atPath: file.path) { continue }
            try await client.recording(of: execution.executionID).file().write(to: file)
        }
    }
}
#endif
