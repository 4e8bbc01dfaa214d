import WorkflowEngine
import Workflows

/// A history store whose process may die before or after each commit.
struct MortalHistoryStore: HistoryStore {
    let base: any HistoryStore
    let fate: Fate
    var look: @Sendable ([StoreWrite]) -> Void = { _ in }

    func commit(_ writes: [StoreWrite]) async throws {
        try fate.pass("before a commit of histories")
        look(writes)
        // A commit takes its time, and others go on meanwhile.
        await Task.yield()
        try await base.commit(writes)
        try fate.pass("after a commit of histories")
    }

    func register(owner: ExecutionOwner) async throws {
        try fate.pass("before an owner is registered")
        try await base.register(owner: owner)
        try fate.pass("after an owner is registered")
    }

    func history(of executionID: String) async throws -> [HistoryEvent] { try await base.history(of: executionID) }
    func execution(_ executionID: String) async throws -> ExecutionRecord? { try await base.execution(executionID) }
    func chain(of workflowID: String) async throws -> [ExecutionRecord] { try await base.chain(of: workflowID) }
    func executions(_ filter: ExecutionFilter) async throws -> [ExecutionRecord] { try await base.executions(filter) }
    func openChildren(of executionIDs: [String]) async throws -> [ExecutionRecord] {
        try await base.openChildren(of: executionIDs)
    }
    func attempts(of executionID: String) async throws -> [ActivityAttempt] {
        try await base.attempts(of: executionID)
    }
    func heartbeats(of executionID: String) async throws -> [Int: Payload] {
        try await base.heartbeats(of: executionID)
    }
    func append(_ request: EngineRequest) async throws { try await base.append(request) }
    func requests(for ownerID: String) async throws -> [StoredRequest] { try await base.requests(for: ownerID) }
    func changeMark() async throws -> Int { try await base.changeMark() }
    func owner(_ ownerID: String) async throws -> ExecutionOwner? { try await base.owner(ownerID) }
    func release(ownerID: String) async { await base.release(ownerID: ownerID) }
}
