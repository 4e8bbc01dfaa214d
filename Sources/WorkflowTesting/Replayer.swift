public import Foundation
import WorkflowEngine
public import Workflows

/// Leads today's code through histories that were recorded before.
public struct Replayer: Sendable {
    private struct StoredEvent: Codable {
        var id: Int
        var at: Int64
        var type: String
        var attributes: String
        var payload: String?
    }

    private let definition: WorkflowDefinition

    /// Replays histories of one workflow type.
    public init<W: Workflow>(_ workflow: W.Type) { definition = WorkflowDefinition(workflow) }

    /// Throws when the code does not ask for what the history holds; the error names the event, what the code asked for and what the
    /// history holds.
    public func replay(_ history: [HistoryEvent]) throws {
        let instance = WorkflowInstance(definition)
        defer { instance.release() }
        try instance.replay(HistoryTurns(history).turns)
    }

    /// What the code answers to a query once it has been led through a history.
    ///
    /// - Throws: as ``replay(_:)`` does, and ``WorkflowClientError`` when the code has no handler for the query.
    public func query<Parameter, Answer>(
        _ query: QueryName<Parameter, Answer>,
        _ parameter: Parameter,
        after history: [HistoryEvent]
    ) throws -> Answer {
        let instance = WorkflowInstance(definition)
        defer { instance.release() }
        try instance.replay(HistoryTurns(history).turns)
        guard let answer = try instance.query(query.name, Payload(encoding: parameter)) else {
            throw WorkflowClientError(.unknownQuery, "The workflow has no handler for the query \(query.name).")
        }
        return try answer.decode(as: Answer.self)
    }

    /// Reads a history file that ``write(_:)`` made.
    public static func read(_ file: Data) throws -> [HistoryEvent] {
        try JSONDecoder().decode([StoredEvent].self, from: file).map { event in
            let row = EventRow(type: event.type, attributes: event.attributes, payload: event.payload)
            return HistoryEvent(
                id: event.id,
                timestamp: Date(wholeMilliseconds: event.at),
                attributes: try row.decoded()
            )
        }
    }

    /// A history as a JSON file, one object for each event.
    public static func write(_ history: [HistoryEvent]) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(
            history.map { event in
                let row = try EventRow(event.attributes)
                return StoredEvent(
                    id: event.id,
                    at: event.timestamp.wholeMilliseconds,
                    type: row.type,
                    attributes: row.attributes,
                    payload: row.payload
                )
            }
        )
    }
}
