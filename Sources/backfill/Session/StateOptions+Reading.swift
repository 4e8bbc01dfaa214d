import BackfillKit
import Foundation
import WorkflowEngine
import Workflows

extension StateOptions {
    /// The run store for reading, from any process.
    func requireStore() throws -> RunStore {
        try RunStore(reading: StateFolder(url).storeFile)
    }

    /// The engine's histories for reading, from any process.
    func openEngineForReading() throws -> any WorkflowClient {
        try EngineReader.open(file: StateFolder(url).engineFile)
    }
}
