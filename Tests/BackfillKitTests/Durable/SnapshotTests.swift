import Foundation
import Testing
import WorkflowTesting
import Workflows

@testable import BackfillKit

@Suite("The query `progress` tells how far a workflow was at any moment of its history")
struct SnapshotTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Histories")

    /// The history up to its first event that satisfies, with the rest of that turn.
    private func history(_ name: String, until isThere: (HistoryEvent.Attributes) -> Bool) throws -> [HistoryEvent] {
        let events = try Replayer.read(try Data(contentsOf: Self.folder.appending(path: "\(name).json")))
        let place = try #require(events.firstIndex { isThere($0.attributes) })
        let turns = events.indices.filter { events[$0].attributes == .workflowTaskCompleted() && $0 > place }
        // The last turn's commands end where the next turn's events begin; without that turn they are all there.
        return Array(events.prefix(turns.count > 1 ? turns[1] : events.count))
    }

    private func orchestrator(_ history: [HistoryEvent]) throws -> OrchestratorSnapshot {
        try Replayer(OrchestratorWorkflow.self).query(OrchestratorSnapshot.query, ProgressQuestion(), after: history)
    }

    private func executor(_ history: [HistoryEvent]) throws -> ExecutorSnapshot {
        try Replayer(ExecutorWorkflow.self).query(ExecutorSnapshot.query, ProgressQuestion(), after: history)
    }

    @Test("An orchestrator: what it is at, what is open, done and failed, and whether it is paused")
    func orchestrating() throws {
        let begun = try orchestrator(history("orchestrator-steered-1") { $0.type == "WorkflowExecutionStarted" })
        #expect(begun.run.rawValue.hasPrefix("steered-") && begun.pass == 1)
        #expect(begun.stage == .preparing && begun.queries.isEmpty && begun.executors == nil)

        let open = try orchestrator(history("orchestrator-steered-1") { $0.type == "ChildWorkflowExecutionStarted" })
        #expect(open.stage == .publishing && open.executors == 4 && open.paused == nil && !open.stopping)
        #expect(open.queries.map(\.name) == ["all", "rest"])
        #expect(open.queries.map(\.phase) == [.publishing, .pending])
        #expect(open.queries.first?.open == [1, 2, 3, 4] && open.queries.first?.done == 0)

        var isPaused: [Bool?] = []
        for activity in ["6", "8"] {
            var scheduled = 0
            let history = try history("orchestrator-steered-1") { attributes in
                switch attributes {
                case .activityTaskScheduled(let asked) where asked.activityID == activity: scheduled = 1
                case .activityTaskCompleted where scheduled == 1: return true
                default: break
                }
                return false
            }
            isPaused.append(try orchestrator(history).paused)
        }
        #expect(isPaused == [true, false], "the commands pause and resume")

        let last = try orchestrator(history("orchestrator-steered-4") { $0.type == "WorkflowExecutionCompleted" })
        #expect(last.stage == .finishing)
        #expect(last.queries.map(\.phase) == [.complete])
        #expect(last.queries.first?.done == 3 && last.queries.first?.open == [])

        let failed = try orchestrator(history("orchestrator-failing-2") { $0.type == "WorkflowExecutionCompleted" })
        #expect(failed.stage == .finishing)
    }

    @Test("Buckets whose executors gave up are counted")
    func failing() throws {
        let snapshot = try orchestrator(history("orchestrator-failing-1") { $0.type == "ChildWorkflowExecutionFailed" })
        #expect(snapshot.queries.first?.failed ?? 0 > 0)
    }

    @Test("An executor: its bucket, its place in it, its batches; the next of its chain goes on from there")
    func executing() throws {
        let begun = try executor(history("executor-chain-1") { $0.type == "WorkflowExecutionStarted" })
        #expect(begun.bucket == 1 && begun.next == nil && begun.end == nil && begun.batches == 0 && !begun.done)
        let first = try executor(history("executor-chain-1") { $0.type == "ActivityTaskCompleted" })
        #expect(first.next == 3 && first.end == 51 && first.batches == 1)
        let handed = try executor(history("executor-chain-1") { $0.type == "WorkflowExecutionContinuedAsNew" })
        let taken = try executor(history("executor-chain-2") { $0.type == "WorkflowExecutionStarted" })
        #expect(taken == handed && handed.batches > 1)
        let done = try executor(history("executor-chain-2") { $0.type == "WorkflowExecutionCompleted" })
        #expect(done.done && done.next == done.end)
    }

    @Test("The answer is JSON whose names are those of `stats --json`")
    func names() throws {
        let history = try history("executor-chain-1") { $0.type == "ActivityTaskCompleted" }
        let text = try Payload(encoding: try executor(history)).text
        for name in ["\"query_id\"", "\"dead_lettered\"", "\"bucket\"", "\"next\"", "\"end\"", "\"batches\""] {
            #expect(text.contains(name), "\(text)")
        }
    }
}
