import Foundation
import Logging
import TemporalEngine
import Workflows

/// Activities that do nothing, one after the other in one workflow and then in eight at once, against a Temporal server: prints how many there
/// are in a second, as `sequence N` and `eight N`.
///
///     noop-on-temporal ADDRESS ACTIVITIES
@main
struct TemporalNoop {
    static func main() async throws {
        #if Temporal
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let activities = Int(arguments[2]), activities > 0 else {
            FileHandle.standardError.write(Data("usage: noop-on-temporal ADDRESS ACTIVITIES\n".utf8))
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
        // The first calls find connections, caches and the server's own tables cold.
        _ = try await measure(workflows: 1, activities: 10, client)
        print("sequence", try await measure(workflows: 1, activities: activities, client))
        print("eight", try await measure(workflows: 8, activities: activities, client))
        await worker.shutdown(drain: .seconds(5))
        await client.close()
        #endif
    }

    #if Temporal
    /// - Returns: activities in a second, over all workflows.
    private static func measure(workflows: Int, activities: Int, _ client: TemporalClient) async throws -> Double {
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
