#if Temporal
import Foundation
import Logging
import Synchronization
import TestSupport
import Testing
import Workflows

@testable import TemporalEngine

@Suite(
    "On a Temporal server a changed program waits to be mended, and secrets stay secret",
    .enabled(if: TestTemporal.isThere),
    .timeLimit(.minutes(5))
)
struct ServerTests {
    private static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    private static let go = SignalName<String>("go")

    /// Two versions of one workflow: the second asks for something else.
    private struct First: Workflow {
        static let workflowType = "Versioned"
        func run(_ input: String, in context: WorkflowContext) async throws -> String {
            let heard = Box()
            context.onSignal(ServerTests.go) { heard.put($0) }
            let one = try await context.execute(Echo.self, input, options: ActivityOptions(startToClose: .seconds(10)))
            try await context.waitUntil { heard.value != nil }
            return one + (heard.value ?? "")
        }
    }
    private struct Second: Workflow {
        static let workflowType = "Versioned"
        func run(_ input: String, in context: WorkflowContext) async throws -> String {
            try await context.sleep(for: .seconds(1))
            return "never"
        }
    }
    private struct Echo: Activity {
        func run(_ input: String, in context: ActivityContext) async throws -> String { input }
    }
    private final class Box: Sendable {
        private let content = Mutex<String?>(nil)
        func put(_ text: String) { content.withLock { $0 = text } }
        var value: String? { content.withLock { $0 } }
    }

    private func client(_ queue: String, key: Data? = nil) async throws -> TemporalClient {
        try await TemporalClient.connect(
            to: try TemporalAddress(TestTemporal.address ?? ""),
            options: TemporalOptions(taskQueue: queue, payloadKey: key),
            logger: Self.logger
        )
    }

    private func worker(_ client: TemporalClient, _ workflow: any Workflow.Type) -> TemporalWorker {
        let worker = TemporalWorker(client, workflows: [workflow], activities: [Echo()], logger: Self.logger)
        worker.start()
        return worker
    }

    /// Asks again and again, for at most a minute.
    private func until(_ isSo: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while try await !isSo() { try #require(ContinuousClock.now < end) }
    }

    @Test("A turn that does not follow the history fails, says so, and is taken once the program is mended")
    func changedProgram() async throws {
        let id = "versioned-\(UUID().uuidString)"
        let client = try await client(id)
        let first = worker(client, First.self)
        let execution = try await client.start(First.self, id: id, "a")
        try await until {
            try await client.history(of: execution).contains {
                if case .activityTaskCompleted = $0.attributes { true } else { false }
            }
        }
        await first.shutdown(drain: .seconds(5))

        let second = worker(client, Second.self)
        try await client.signal(id, Self.go, "b")
        try await until { try await client.describe(id)?.stall != nil }
        #expect(try await client.describe(id)?.stall?.type == "NondeterminismError")
        #expect(try await client.describe(id)?.status == .running)
        await second.shutdown(drain: .seconds(5))

        let mended = worker(client, First.self)
        #expect(try await client.result(of: First.self, id: id) == "ab")
        await mended.shutdown(drain: .seconds(5))
        await client.close()
    }

    @Test("What a client with a key writes, nobody without it reads")
    func encrypted() async throws {
        let id = "secret-\(UUID().uuidString)"
        let client = try await client(id, key: Data((0..<32).map { _ in UInt8.random(in: 0...255) }))
        let worker = worker(client, First.self)
        let execution = try await client.start(First.self, id: id, "the balance")
        try await client.signal(id, Self.go, " is 17")
        #expect(try await client.result(of: First.self, id: id) == "the balance is 17")
        let stranger = try await self.client(id)
        await #expect(throws: TemporalError.self) { try await stranger.history(of: execution) }
        await worker.shutdown(drain: .seconds(5))
        await stranger.close()
        await client.close()
    }

    @Test("A server that is not there, and a namespace that is not there, are named with what to type")
    func notThere() async throws {
        let options = TemporalOptions(taskQueue: "q", patience: .seconds(1))
        let closed = await #expect(throws: TemporalError.self) {
            try await TemporalClient.connect(
                to: TemporalAddress(host: "127.0.0.1", port: 1),
                options: options,
                logger: Self.logger
            )
        }
        #expect(closed?.description.contains("temporal operator cluster health --address 127.0.0.1:1") == true)
        var address = try TemporalAddress(TestTemporal.address ?? "")
        address.namespace = "nowhere"
        let missing = await #expect(throws: TemporalError.self) {
            try await TemporalClient.connect(to: address, options: options, logger: Self.logger)
        }
        #expect(missing?.description.contains("temporal operator namespace create") == true)
    }
}
#endif
