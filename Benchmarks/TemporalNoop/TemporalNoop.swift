import Foundation
import Logging
import TemporalEngine
import Workflows

/// Durable activities that do nothing, against a Temporal server: `noop-on-temporal ADDRESS`. A workflow does 200, one after the other; first
/// one such workflow, then eight at the same time. Does and prints the same as noop_with_temporal.py.
@main
struct TemporalNoop {
    static func main() async throws {
        #if Temporal
        let arguments = CommandLine.arguments
        guard arguments.count == 2 else {
            FileHandle.standardError.write(Data("usage: noop-on-temporal ADDRESS\n".utf8))
            exit(2)
        }
        let logger = Logger(label: "noop", factory: { _ in SwiftLogNoOpLogHandler() })
        let queue = "noop-\(UUID().uuidString)"
        let client = try await TemporalClient.connect(
            to: try TemporalAddress(arguments[1]),
            options: TemporalOptions(taskQueue: queue),
            logger: logger
        )
        let worker = TemporalWorker(client, workflows: [Sequence.self], activities: [Nothing()], logger: logger)
        worker.start()
        // So that both have been at work before.
        _ = try await rate(workflows: 8, activities: 5, client)
        for (name, workflows) in [("one workflow", 1), ("eight at once", 8)] {
            let rate = try await rate(workflows: workflows, activities: 200, client)
            print("\(name): \(String(format: "%.1f", rate)) activities/s")
        }
        await worker.shutdown(drain: .seconds(5))
        await client.close()
        #endif
    }

    #if Temporal
    /// - Returns: activities in a second, over all workflows.
    private static func rate(workflows: Int, activities: Int, _ client: TemporalClient) async throws -> Double {
        let began = ContinuousClock.now
        let ids = (0..<workflows).map { _ in "noop-\(UUID().uuidString)" }
        for id in ids { _ = try await client.start(Sequence.self, id: id, activities) }
        for id in ids { _ = try await client.result(of: Sequence.self, id: id) }
        let took = ContinuousClock.now - began
        return Double(workflows * activities) / (took / .seconds(1))
    }
    #endif
}

/// Does nothing.
struct Nothing: Activity {
    func run(_ input: Empty, in context: ActivityContext) async throws -> Empty { input }
}

/// Calls the activity so many times, one after the other.
struct Sequence: Workflow {
    func run(_ count: Int, in context: WorkflowContext) async throws -> Empty {
        for _ in 0..<count {
            _ = try await context.execute(Nothing.self, Empty(), options: ActivityOptions(startToClose: .seconds(10)))
        }
        return Empty()
    }
}
