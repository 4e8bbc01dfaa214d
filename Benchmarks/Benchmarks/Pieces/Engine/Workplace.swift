import Foundation
import Logging
import WorkflowEngine
import Workflows

/// A folder with an engine on a file of histories, as a run has it.
struct Workplace {
    let folder: URL
    let engine: EmbeddedEngine

    var histories: URL { folder.appending(path: "engine.sqlite") }

    static func open() async throws -> Workplace {
        let folder = FileManager.default.temporaryDirectory.appending(path: "pieces-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let engine = try await EmbeddedEngine.open(
            file: folder.appending(path: "engine.sqlite"),
            workflows: [Sequence.self],
            activities: [NoOp()],
            logger: Logger(label: "benchmarks", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        return Workplace(folder: folder, engine: engine)
    }

    /// Runs a workflow with this many activities one after the other, and returns its execution id.
    func run(activities: Int) async throws -> String {
        let id = UUID().uuidString
        let executionID = try await engine.start(Sequence.self, id: id, activities, options: WorkflowOptions())
        _ = try await engine.result(of: Sequence.self, id: id)
        return executionID
    }

    /// All events of all histories.
    func countEvents() async throws -> Int {
        try await engine.executions(ExecutionFilter()).reduce(0) { $0 + $1.historyLength }
    }

    func close() async throws {
        await engine.shutdown(drain: .zero)
        try FileManager.default.removeItem(at: folder)
    }
}
