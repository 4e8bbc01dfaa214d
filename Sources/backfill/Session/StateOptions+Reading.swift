import BackfillKit
import Foundation
import Logging
import WorkflowEngine
import Workflows

extension StateOptions {
    /// The run store for reading, from any process.
    func requireStore() async throws -> RunStore { try await OpenState.forReading(self).store }

    /// The run store for reading; nil when there is none yet.
    func storeIfThere() async throws -> RunStore? {
        switch try place() {
        case .folder(let folder): folder.exists ? try RunStore(reading: folder.storeFile) : nil
        case .database(let database): try await RunStore.openIfThere(database)
        }
    }

    /// The engine's histories for reading, from any process.
    func openEngineForReading() async throws -> any WorkflowClient {
        let place = try place()
        switch (try await EngineChoice.of(place, given: engine), place) {
        case (.embedded, .folder(let folder)): return try EngineReader.open(file: folder.engineFile)
        case (.embedded, .database): throw EngineRefused.needsCluster
        case (.temporal(let address, let taskQueue), _):
            return try await SessionEngine.cluster(
                address,
                taskQueue: taskQueue,
                logger: Logger(label: "backfill", factory: { _ in SwiftLogNoOpLogHandler() })
            )
        }
    }
}
