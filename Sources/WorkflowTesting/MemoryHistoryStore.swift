import Foundation
import Synchronization
public import WorkflowEngine
public import Workflows

/// Histories in memory, for tests: as durable as the object, and able to fail at any commit.
public final class MemoryHistoryStore: HistoryStore {
    /// A crash that was asked for with ``crash(atCommit:_:)``.
    public struct SimulatedCrash: Error, Sendable {}

    /// On which side of a commit a crash comes.
    public enum CrashSide: Sendable, CaseIterable {
        /// Nothing of the commit is kept.
        case before
        /// All of it is kept, and nobody learns of it.
        case after
    }

    private struct State {
        var executions: [ExecutionRecord] = []
        var histories: [String: [HistoryEvent]] = [:]
        var attempts: [String: [ActivityAttempt]] = [:]
        var heartbeats: [String: [Int: Payload]] = [:]
        var requests: [StoredRequest] = []
        var lastRequest: Int64 = 0
        var owners: [String: ExecutionOwner] = [:]
        var commits = 0
        var crash: (commit: Int, side: CrashSide)?
    }

    private let state = Mutex(State())

    /// An empty store.
    public init() {}

    /// Commits so far.
    public var commitCount: Int { state.withLock { $0.commits } }

    /// Makes the `commit`-th commit from now on (from 1) fail, and all that come behind it, until ``recover()``.
    public func crash(atCommit commit: Int, _ side: CrashSide) {
        state.withLock { $0.crash = ($0.commits + commit, side) }
    }

    /// The process is gone: its owners are dead, and the store works again.
    public func recover() {
        state.withLock { state in
            state.crash = nil
            for id in state.owners.keys { state.owners[id]?.isAlive = false }
        }
    }

    /// See ``HistoryStore/commit(_:)``.
    public func commit(_ writes: [StoreWrite]) async throws {
        try state.withLock { state in
            state.commits += 1
            if let crash = state.crash, state.commits >= crash.commit {
                if state.commits == crash.commit, crash.side == .after { Self.apply(writes, &state) }
                throw SimulatedCrash()
            }
            Self.apply(writes, &state)
        }
    }

    private static func apply(_ writes: [StoreWrite], _ state: inout State) {
        for write in writes {
            switch write {
            case .create(let record): state.executions.append(record)
            case .append(let id, let events):
                state.histories[id, default: []] += events
                update(id, &state) { $0.historyLength = events.last?.id ?? $0.historyLength }
            case .close(let id, let status, let at):
                update(id, &state) {
                    $0.status = status
                    $0.closedAt = at
                    $0.stall = nil
                }
                state.heartbeats[id] = nil
            case .stall(let id, let failure): update(id, &state) { $0.stall = failure }
            case .attempt(let attempt): state.attempts[attempt.executionID, default: []].append(attempt)
            case .heartbeat(let id, let event, let details): state.heartbeats[id, default: [:]][event] = details
            case .claim(let id, let owner):
                update(id, &state) {
                    $0.ownerID = owner
                    $0.stall = nil
                }
            case .consume(let request): state.requests.removeAll { $0.id == request }
            }
        }
    }

    private static func update(_ id: String, _ state: inout State, _ change: (inout ExecutionRecord) -> Void) {
        guard let index = state.executions.lastIndex(where: { $0.executionID == id }) else { return }
        change(&state.executions[index])
    }

    /// See ``HistoryStore/history(of:)``.
    public func history(of executionID: String) async throws -> [HistoryEvent] {
        state.withLock { $0.histories[executionID] ?? [] }
    }

    /// See ``HistoryStore/execution(_:)``.
    public func execution(_ executionID: String) async throws -> ExecutionRecord? {
        state.withLock { $0.executions.first { $0.executionID == executionID } }
    }

    /// See ``HistoryStore/chain(of:)``.
    public func chain(of workflowID: String) async throws -> [ExecutionRecord] {
        state.withLock { $0.executions.filter { $0.workflowID == workflowID } }
    }

    /// See ``HistoryStore/executions(_:)``.
    public func executions(_ filter: ExecutionFilter) async throws -> [ExecutionRecord] {
        state.withLock { state in
            state.executions.filter { record in
                filter.statuses?.contains(record.status) ?? true
                    && filter.workflowType.map { $0 == record.workflowType } ?? true
                    && filter.parentWorkflowID.map { $0 == record.parent?.workflowID } ?? true
                    && filter.workflowIDPrefix.map { record.workflowID.hasPrefix($0) } ?? true
            }
        }
    }

    /// See ``HistoryStore/openChildren(of:)``.
    public func openChildren(of executionIDs: [String]) async throws -> [ExecutionRecord] {
        state.withLock { state in
            state.executions.filter { record in
                record.status == .running && record.parent.map { executionIDs.contains($0.executionID) } ?? false
            }
        }
    }

    /// See ``HistoryStore/attempts(of:)``.
    public func attempts(of executionID: String) async throws -> [ActivityAttempt] {
        state.withLock { $0.attempts[executionID] ?? [] }
    }

    /// See ``HistoryStore/heartbeats(of:)``.
    public func heartbeats(of executionID: String) async throws -> [Int: Payload] {
        state.withLock { $0.heartbeats[executionID] ?? [:] }
    }

    /// See ``HistoryStore/append(_:)``.
    public func append(_ request: EngineRequest) async throws {
        state.withLock { state in
            state.lastRequest += 1
            state.requests.append(StoredRequest(id: state.lastRequest, request: request))
        }
    }

    /// See ``HistoryStore/requests(for:)``.
    public func requests(for ownerID: String) async throws -> [StoredRequest] {
        state.withLock { state in
            let open = Set(state.executions.filter { $0.ownerID == ownerID && $0.status == .running }.map(\.workflowID))
            return state.requests.filter { open.contains($0.request.workflowID) }
        }
    }

    /// See ``HistoryStore/changeMark()``.
    public func changeMark() async throws -> Int { state.withLock { Int($0.lastRequest) } }

    /// See ``HistoryStore/register(owner:)``.
    public func register(owner: ExecutionOwner) async throws { state.withLock { $0.owners[owner.id] = owner } }

    /// See ``HistoryStore/owner(_:)``.
    public func owner(_ ownerID: String) async throws -> ExecutionOwner? { state.withLock { $0.owners[ownerID] } }

    /// See ``HistoryStore/release(ownerID:)``.
    public func release(ownerID: String) async { state.withLock { $0.owners[ownerID]?.isAlive = false } }
}
