#if Temporal
public import Foundation
import SwiftProtobuf
public import Workflows

/// An execution's history as a Temporal server sent it, to be kept in a file: the messages of its public interface (`temporal.api.history.v1.History`)
/// with all their fields, so that a later version finds in it what this one does not read.
///
/// A replayer leads today's code through it without a server.
public struct RecordedHistory: Sendable {
    private let history: WireHistory

    init(_ history: WireHistory) { self.history = history }

    /// Reads a file.
    ///
    /// - Throws: ``TemporalError`` when it holds no history, or not its beginning.
    public init(file: Data) throws {
        guard let history = try? WireHistory(serializedBytes: file),
            case .executionStarted = history.events.first?.attributes
        else { throw TemporalError("The file holds no recorded history of a Temporal server.") }
        self.history = history
    }

    /// What to write into a file.
    public func file() throws -> Data { try history.serializedData() }

    /// The events, as the replay core knows them.
    ///
    /// - Parameter payloadKey: the key of whoever wrote the history, when payloads are encrypted.
    /// - Throws: ``TemporalError`` when a payload cannot be read.
    public func events(payloadKey: Data? = nil) throws -> [HistoryEvent] {
        guard case .executionStarted(let started) = history.events.first?.attributes else { return [] }
        var mapping = EventMapping(
            runID: started.originalExecutionRunID,
            payloads: try PayloadMapping(key: payloadKey)
        )
        return try mapping.events(history.events)
    }
}
#endif
