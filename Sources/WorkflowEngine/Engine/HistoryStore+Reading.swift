import Workflows

/// What engines and readers answer from a store alone.
extension HistoryStore {
    func describe(_ workflowID: String) async throws -> ExecutionDescription? {
        guard let last = try await chain(of: workflowID).last else { return nil }
        return try await descriptions(of: [last]).first
    }

    func descriptions(of records: [ExecutionRecord]) async throws -> [ExecutionDescription] {
        var owners: [String: ExecutionOwner] = [:]
        var descriptions: [ExecutionDescription] = []
        for record in records {
            if owners[record.ownerID] == nil { owners[record.ownerID] = try await owner(record.ownerID) }
            let unknown = ExecutionOwner(id: record.ownerID, processID: nil, isAlive: false)
            descriptions.append(
                ExecutionDescription(
                    workflowID: record.workflowID,
                    executionID: record.executionID,
                    firstExecutionID: record.firstExecutionID,
                    previousExecutionID: record.previousExecutionID,
                    workflowType: record.workflowType,
                    parent: record.parent,
                    status: record.status,
                    startedAt: record.startedAt,
                    closedAt: record.closedAt,
                    historyLength: record.historyLength,
                    stall: record.stall,
                    owner: owners[record.ownerID] ?? unknown
                )
            )
        }
        return descriptions
    }

    /// Leaves a request for the owner of the workflow id's open execution.
    func appendForOpenExecution(_ request: EngineRequest) async throws {
        guard let last = try await chain(of: request.workflowID).last else {
            throw WorkflowClientError(.notFound, "There is no workflow \(request.workflowID).")
        }
        guard last.status == .running else {
            throw WorkflowClientError(
                .notRunning,
                "Workflow \(request.workflowID) is not open: it ended as \(last.status.rawValue)."
            )
        }
        try await append(request)
    }

    /// Leads code to where the newest history stands, and asks it.
    func answerByReplay(
        _ workflowID: String,
        _ name: String,
        _ parameter: Payload,
        workflows: [String: WorkflowDefinition]
    ) async throws -> Payload {
        guard let last = try await chain(of: workflowID).last else {
            throw WorkflowClientError(.notFound, "There is no workflow \(workflowID).")
        }
        guard let definition = workflows[last.workflowType] else {
            throw WorkflowClientError(
                .unknownWorkflowType,
                "The workflow type \(last.workflowType) is not registered here."
            )
        }
        let instance = WorkflowInstance(definition)
        defer { instance.release() }
        try instance.replay(HistoryTurns(try await history(of: last.executionID)).turns)
        return try EngineCore.answer(try instance.query(name, parameter), name, workflowID)
    }
}
