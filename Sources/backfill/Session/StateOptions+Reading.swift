import BackfillKit
import Foundation
import Logging
import WorkflowEngine
import Workflows

extension StateOptions {
    /// The run store for reading, from any process.
    func requireStore() throws -> RunStore {
        try RunStore(reading: StateFolder(url).storeFile)
    }

    /// The engine's histories for reading, from any process.
    func openEngineForReading() async throws -> any WorkflowClient {
        switch try EngineChoice.of(StateFolder(url), given: engine) {
        case .embedded: return try EngineReader.open(file: StateFolder(url).engineFile)
        case .temporal(let address, let taskQueue):
            return try await SessionEngine.cluster(
                address,
                taskQueue: taskQueue,
                logger: Logger(label: "backfill", factory: { _ in SwiftLogNoOpLogHandler() })
            )
        }
    }
}
