import Foundation
import Synchronization
import WorkflowEngine
import Workflows

/// Histories in memory, which outlive the simulated process that writes them. As exact as the SQLite file, and quicker.
final class MemoryHistoryStore: HistoryStore {
    private struct State {
        /// Oldest first.
        var executions: [ExecutionRecord] = []
        var histories: [String: [HistoryEvent]] = [:]
        var attempts: [ActivityAttempt] = []
        var heartbeats: [String: [Int: Payload]] = [:]
        var requests: [StoredRequest] = []
        var owners: [String: ExecutionOwner] = [:]

        func place(of executionID: String) throws -> Int {
            guard let place = executions.lastIndex(where: { $0.executionID == executionID }) else {
                throw EngineFailure("There is no execution \(executionID).")
            }
            return place
        }

        mutating func apply(_ write: StoreWrite) throws {
            switch write {
            case .create(let record):
                guard !executions.contains(where: { $0.workflowID == record.workflowID && $0.status == .running })
                else { throw EngineFailure("An execution of \(record.workflowID) is open.") }
                executions.append(record)
            case .append(let executionID, let events):
                histories[executionID, default: []] += events
                executions[try place(of: executionID)].historyLength = events.last?.id ?? 0
            case .close(let executionID, let status, let date):
                let place = try place(of: executionID)
                executions[place].status = status
                executions[place].closedAt = date
                executions[place].stall = nil
                heartbeats[executionID] = nil
            case .stall(let executionID, let failure): executions[try place(of: executionID)].stall = failure
            case .attempt(let attempt): attempts.append(attempt)
            case .heartbeat(let executionID, let event, let details):
                heartbeats[executionID, default: [:]][event] = details
            case .claim(let executionID, let ownerID):
                let place = try place(of: executionID)
                executions[place].ownerID = ownerID
                executions[place].stall = nil
            case .consume(let requestID): requests.removeAll { $0.id == requestID }
            }
        }
    }

    private let state = Mutex(State())

    func commit(_ writes: [StoreWrite]) async throws {
        try state.withLock { state in
            var next = state
            for write in writes { try next.apply(write) }
            state = next
        }
    }

    func history(of executionID: String) async throws -> [HistoryEvent] {
        state.withLock { $0.histories[executionID] ?? [] }
    }
    func execution(_ executionID: String) async throws -> ExecutionRecord? {
        find { $0.executionID == executionID }.first
    }
    func chain(of workflowID: String) async throws -> [ExecutionRecord] { find { $0.workflowID == workflowID } }
    func executions(_ filter: ExecutionFilter) async throws -> [ExecutionRecord] {
        find { record in
            (filter.statuses?.contains(record.status) ?? true)
                && (filter.workflowType.map { $0 == record.workflowType } ?? true)
                && (filter.parentWorkflowID.map { $0 == record.parent?.workflowID } ?? true)
                && (filter.workflowIDPrefix.map(record.workflowID.hasPrefix) ?? true)
        }
    }
    func openChildren(of executionIDs: [String]) async throws -> [ExecutionRecord] {
        find { $0.status == .running && executionIDs.contains($0.parent?.executionID ?? "") }
    }
    func attempts(of executionID: String) async throws -> [ActivityAttempt] {
        state.withLock { $0.attempts.filter { $0.executionID == executionID } }
    }
    func heartbeats(of executionID: String) async throws -> [Int: Payload] {
        state.withLock { $0.heartbeats[executionID] ?? [:] }
    }
    func append(_ request: EngineRequest) async throws {
        state.withLock { $0.requests.append(StoredRequest(id: ($0.requests.last?.id ?? 0) + 1, request: request)) }
    }
    func requests(for ownerID: String) async throws -> [StoredRequest] { state.withLock(\.requests) }
    func changeMark() async throws -> Int { state.withLock { Int($0.requests.last?.id ?? 0) } }
    func register(owner: ExecutionOwner) async throws { state.withLock { $0.owners[owner.id] = owner } }
    func owner(_ ownerID: String) async throws -> ExecutionOwner? { state.withLock { $0.owners[ownerID] } }
    func release(ownerID: String) async { state.withLock { $0.owners[ownerID]?.isAlive = false } }

    private func find(_ isWanted: (ExecutionRecord) -> Bool) -> [ExecutionRecord] {
        state.withLock { $0.executions.filter(isWanted) }
    }

    /// The process that works with it is gone: its owners are dead.
    func abandon() {
        state.withLock { state in
            for owner in state.owners.keys { state.owners[owner]?.isAlive = false }
        }
    }

    func facts() -> Histories.Facts {
        state.withLock { state in
            Histories.Facts(
                longest: state.executions.map(\.historyLength).max() ?? 0,
                torn: state.executions.filter { $0.historyLength != state.histories[$0.executionID]?.count }
                    .map(\.executionID),
                handOvers: state.executions.count { $0.previousExecutionID != nil }
            )
        }
    }
}
