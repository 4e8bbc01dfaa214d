// A backfill from Swift: a spec's sinks get every message, and so does a subscriber of your own.
//
//   swift run SubscriberExample samples/customers/customers.yaml
import BackfillKit
import Foundation
import Logging
import PubSub
import SQLConnectors
import Synchronization
import WorkflowEngine

/// Counts records by their first column, and shows how a subscriber answers.
final class RecordCounter: Subscriber {
    private let counted = Mutex(0)

    var count: Int { counted.withLock { $0 } }

    /// Deliveries of one bucket come in order, those of different buckets at the same time.
    ///
    /// - Throws: an error that conforms to `SubscriptionUnavailable` when your service is down: the batch comes again, nothing is lost.
    func receive(_ delivery: Delivery<RecordMessages>) async throws -> DeliveryOutcome {
        let messages = delivery.batch
        var failed: [MessageFailure] = []
        for position in 0..<messages.messageCount where messages.records[position, 0] == .null {
            // Only this message comes again, and becomes a dead letter after the last attempt.
            failed.append(MessageFailure(position: position, error: Unusable(id: messages.correlationID(at: position))))
        }
        // Each message comes at least once: after a crash, some come a second time. The correlation id tells them apart for
        // whoever has to know.
        counted.withLock { $0 += messages.messageCount - failed.count }
        return failed.isEmpty ? .acknowledged : .failed(failed)
    }
}

/// Says which message could not be used.
struct Unusable: Error, CustomStringConvertible {
    var id: CorrelationID
    var description: String { "message \(id) has no value in its first column" }
}

guard CommandLine.arguments.count == 2 else {
    FileHandle.standardError.write(Data("usage: SubscriberExample SPEC\n".utf8))
    exit(2)
}
let spec = try BackfillSpec.load(file: CommandLine.arguments[1])
let state = StateFolder(URL(filePath: ".backfill"))
try state.create()
let counter = RecordCounter()
let logger = Logger(label: "subscriber")
let runtime = BackfillRuntime(
    state: state,
    store: try RunStore(file: state.storeFile),
    environment: ProcessInfo.processInfo.environment,
    subscribers: ["counter": counter],
    logger: logger
)
let engine = try await EmbeddedEngine.open(
    file: state.engineFile,
    workflows: BackfillRuntime.workflows,
    activities: runtime.activities,
    logger: logger
)
let backfill = Backfill(runtime: runtime, client: engine, adopt: { try await engine.adopt($0) })
let run = try await backfill.create(spec)
try await backfill.start(run)
let outcome = try await backfill.outcome(of: run)
await engine.shutdown(drain: .seconds(10))
await runtime.close()
print("run \(run) is \(outcome.state.rawValue): the subscriber has seen \(counter.count) records")
if let error = outcome.error { print(error) }
exit(outcome.state == .complete ? 0 : 1)
