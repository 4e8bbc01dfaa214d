import Foundation
import GRDB
import WorkflowEngine

/// Where a scenario's histories outlive its processes: in a file, as in production, or in memory, which is quicker.
enum Histories: Sendable {
    case file(URL)
    case memory(MemoryHistoryStore)

    /// What is checked of all histories.
    struct Facts {
        /// Events of the longest.
        var longest = 0
        /// Executions that count other than what they hold.
        var torn: [String] = []
        /// Executions that handed over to a next one.
        var handOvers = 0
    }

    /// Opens them for a process.
    func open() throws -> any HistoryStore {
        switch self {
        case .file(let file): try SQLiteHistoryStore(file: file)
        case .memory(let store): store
        }
    }

    /// The process that opened them is gone.
    static func abandon(_ store: any HistoryStore) throws {
        switch store {
        case let store as SQLiteHistoryStore: try store.abandon()
        case let store as MemoryHistoryStore: store.abandon()
        default: throw EngineFailure("\(type(of: store)) cannot be abandoned.")
        }
    }

    /// Looks into them while no process is at work.
    func facts() throws -> Facts {
        switch self {
        case .memory(let store): return store.facts()
        case .file(let file):
            guard FileManager.default.fileExists(atPath: file.path) else { return Facts() }
            let row = try DatabaseQueue(path: file.path).read { db in
                try Row.fetchOne(
                    db,
                    sql: """
                        SELECT (SELECT max(event_id) FROM event), count(previous_execution_id),
                            group_concat(CASE WHEN
                                (SELECT count(*) <> max(event_id) OR e.status <> 'running' AND count(*) <> e.history_length
                                    FROM event v WHERE v.execution_id = e.execution_id) THEN execution_id END)
                        FROM execution e
                        """
                )
            }
            let torn: String? = row?[2]
            return Facts(longest: row?[0] ?? 0, torn: torn.map { [$0] } ?? [], handOvers: row?[1] ?? 0)
        }
    }
}
