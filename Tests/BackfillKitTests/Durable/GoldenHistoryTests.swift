import Foundation
import Testing
import WorkflowTesting
import Workflows

@testable import BackfillKit

/// The histories lie in `Tests/BackfillKitTests/Histories`: real runs of the program, which `record.sh` beside them records anew. One that
/// does not replay any more means that no run of that version could be resumed: mend the workflow, not the history.
@Suite("Runs that were recorded before are carried on by today's workflows")
struct GoldenHistoryTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Histories")
    private static let files =
        (try? FileManager.default.contentsOfDirectory(atPath: folder.path))?
        .filter { $0.hasSuffix(".json") }.sorted() ?? []

    private static func history(_ file: String) throws -> [HistoryEvent] {
        try Replayer.read(try Data(contentsOf: folder.appending(path: file)))
    }

    private static func replay(_ history: [HistoryEvent]) throws {
        guard case .workflowExecutionStarted(let started) = history.first?.attributes else {
            throw Unknown(description: "the history does not begin with a start")
        }
        switch started.workflowType {
        case OrchestratorWorkflow.workflowType: try Replayer(OrchestratorWorkflow.self).replay(history)
        case ExecutorWorkflow.workflowType: try Replayer(ExecutorWorkflow.self).replay(history)
        default: throw Unknown(description: "there is no workflow \(started.workflowType)")
        }
    }

    private struct Unknown: Error, CustomStringConvertible {
        var description: String
    }

    @Test("Each replays, and is written as it was read", arguments: files)
    func replays(file: String) throws {
        let history = try Self.history(file)
        try Self.replay(history)
        #expect(try Replayer.read(try Replayer.write(history)) == history)
    }

    @Test("Each that was cut off before any turn replays: a process may die there", arguments: files)
    func replaysPrefixes(file: String) throws {
        for part in try Self.history(file).cutOffBeforeTurns { try Self.replay(part) }
    }

    @Test("Together they hold hand-overs, commands, children that fail, failed steps and a cancellation")
    func coverage() throws {
        let histories = try Self.files.map { try Self.history($0) }
        let types = Set(histories.joined().map(\.attributes.type))
        for type in [
            "WorkflowExecutionContinuedAsNew", "WorkflowExecutionSignaled", "ActivityTaskFailed",
            "ChildWorkflowExecutionCompleted", "ChildWorkflowExecutionFailed", "WorkflowExecutionCompleted",
            "WorkflowExecutionFailed",
        ] { #expect(types.contains(type), "no \(type)") }
        for workflow in [OrchestratorWorkflow.workflowType, ExecutorWorkflow.workflowType] {
            let isChain = histories.contains { history in
                if case .workflowExecutionStarted(let started) = history.first?.attributes {
                    started.workflowType == workflow && started.continuedCount > 0
                } else {
                    false
                }
            }
            #expect(isChain, "no \(workflow) that another handed over to")
        }
    }

    @Test("Code that asks for something else is found out", arguments: files)
    func nondeterminism(file: String) throws {
        let changed = try Self.history(file).withOtherActivity()
        #expect(throws: (any Error).self) { try Self.replay(changed) }
    }
}
