import Foundation
import Logging
import TestSupport
import Testing
import WorkflowEngine
import WorkflowTesting
import Workflows

@testable import BackfillKit

@Suite("A process that shares a run with others lets go of what it has open of an earlier pass")
struct EarlierPassTests {
    private func with(fleet: Fleet?, _ body: (BackfillRuntime, RunID) async throws -> Void) async throws {
        let scratch = try ScratchFolder()
        let state = StateFolder(scratch.file("state"))
        try state.create()
        try Data().write(to: scratch.file("source.sqlite"))
        let store = try RunStore(file: state.storeFile)
        let runtime = BackfillRuntime(
            state: state,
            store: store,
            environment: [:],
            fleet: fleet,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        let text = """
            name: passes
            source: sqlite:source.sqlite
            queries: [{name: all, sql: "SELECT 1 AS id", key: id}]
            sinks: [{table: {database: sqlite:target.sqlite, name: t, mode: upsert, create: true}}]
            """
        let file = scratch.file("spec.yaml").path
        let spec = try BackfillSpec.parse(text: text, file: file, environment: [:])
        let runID = RunID.make(name: spec.name, milliseconds: 0, random: 0)
        let run = StoredRun(
            runID: runID,
            name: spec.name,
            specFile: file,
            specDigest: spec.digest,
            specText: text,
            state: .running,
            pass: 1,
            createdAt: 0
        )
        try await store.create(run, queries: [], hookSQL: [:], besideUnfinished: false)
        try await body(runtime, runID)
        await runtime.close()
    }

    @Test(
        "The first who asks after another process began a new pass gets a workspace of that one, and so do all others"
    )
    func shared() async throws {
        try await with(fleet: Fleet(workerID: "worker")) { runtime, run in
            let first = try await runtime.workspace(of: run)
            #expect(try await runtime.workspace(of: run) === first)
            try await runtime.store.markRunning(run, pass: 2)
            let next = try await withThrowingTaskGroup(of: ObjectIdentifier.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        let workspace = try await runtime.workspace(of: run)
                        #expect(workspace.run.pass == 2)
                        return ObjectIdentifier(workspace)
                    }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(next.count == 1 && !next.contains(ObjectIdentifier(first)))
        }
    }

    @Test("A process that works on the run alone begins its passes itself, and keeps what it has open")
    func alone() async throws {
        try await with(fleet: nil) { runtime, run in
            let first = try await runtime.workspace(of: run)
            try await runtime.store.markRunning(run, pass: 2)
            #expect(try await runtime.workspace(of: run) === first)
        }
    }

    /// Stays open.
    private struct Idle: Workflow {
        func run(_ input: String, in context: WorkflowContext) async throws -> String {
            try await context.waitUntil { false }
            return input
        }
    }

    @Test("Of two that begin a pass at the same time the second is refused, and the first one's is the run's")
    func twoAtOnce() async throws {
        try await with(fleet: Fleet(workerID: "worker")) { runtime, runID in
            let engine = try await TestEngine.open(workflows: BackfillRuntime.workflows + [Idle.self]).engine
            let backfill = Backfill(runtime: runtime, client: engine, adopt: { _ in })
            try await runtime.store.markRunning(runID, pass: 2)
            let run = try #require(try await runtime.store.run(runID))
            _ = try await engine.start(Idle.self, id: runID.rawValue, "the first one's")
            await #expect(throws: RunRefused.self) { try await backfill.begin(run, pass: 3, only: nil) }
            #expect(try await runtime.store.run(runID)?.pass == 2)
            #expect(try await runtime.store.finish(runID, pass: 2, state: .complete, error: nil))
            await engine.abandon()
        }
    }
}
