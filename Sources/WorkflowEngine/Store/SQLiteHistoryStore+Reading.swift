import Foundation
import GRDB
public import Workflows

extension SQLiteHistoryStore {
    /// See ``HistoryStore/history(of:)``.
    public func history(of executionID: String) async throws -> [HistoryEvent] {
        try await read { db in
            let rows = try Row.fetchCursor(
                db.cachedStatement(
                    sql: """
                        SELECT event_batch.id % \(HistorySchema.eventsPerExecution), events
                        FROM execution JOIN event_batch ON event_batch.id \(HistorySchema.ownBatches)
                        WHERE execution_id = ? ORDER BY event_batch.id
                        """
                ),
                arguments: [executionID]
            )
            var events: [HistoryEvent] = []
            while let row = try rows.next() {
                events += try EventBatch.events(in: row.decode(atIndex: 1), first: row.decode(atIndex: 0))
            }
            return events
        }
    }

    /// See ``HistoryStore/execution(_:)``.
    public func execution(_ executionID: String) async throws -> ExecutionRecord? {
        try await records("WHERE execution_id = ?", [executionID]).first
    }

    /// See ``HistoryStore/chain(of:)``.
    public func chain(of workflowID: String) async throws -> [ExecutionRecord] {
        try await records("WHERE workflow_id = ? ORDER BY started_at, rowid", [workflowID])
    }

    /// See ``HistoryStore/executions(_:)``.
    public func executions(_ filter: ExecutionFilter) async throws -> [ExecutionRecord] {
        var conditions: [String] = []
        var arguments: StatementArguments = []
        if let statuses = filter.statuses {
            conditions.append("status IN (\(statuses.map { _ in "?" }.joined(separator: ", ")))")
            arguments += StatementArguments(statuses.map(\.rawValue).sorted())
        }
        if let type = filter.workflowType {
            conditions.append("workflow_type = ?")
            arguments += [type]
        }
        if let parent = filter.parentWorkflowID {
            conditions.append("parent_workflow_id = ?")
            arguments += [parent]
        }
        if let prefix = filter.workflowIDPrefix {
            conditions.append("substr(workflow_id, 1, ?) = ?")
            arguments += [prefix.count, prefix]
        }
        let condition = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
        return try await records(condition + " ORDER BY started_at, rowid", arguments)
    }

    /// See ``HistoryStore/openChildren(of:)``.
    public func openChildren(of executionIDs: [String]) async throws -> [ExecutionRecord] {
        let marks = executionIDs.map { _ in "?" }.joined(separator: ", ")
        return try await records(
            "WHERE status = 'running' AND parent_execution_id IN (\(marks)) ORDER BY rowid",
            StatementArguments(executionIDs)
        )
    }

    private func records(_ condition: String, _ arguments: StatementArguments) async throws -> [ExecutionRecord] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT *, \(HistorySchema.lastEventID) AS last_event_id FROM execution \(condition)
                    """,
                arguments: arguments
            ).map(ExecutionRecord.init(row:))
        }
    }

    /// See ``HistoryStore/attempts(of:)``.
    public func attempts(of executionID: String) async throws -> [ActivityAttempt] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: "SELECT * FROM activity_attempt WHERE execution_id = ? ORDER BY scheduled_event_id, attempt",
                arguments: [executionID]
            ).map { row in
                ActivityAttempt(
                    executionID: try row.decode(forColumn: "execution_id"),
                    activityID: try row.decode(forColumn: "activity_id"),
                    activityType: try row.decode(forColumn: "activity_type"),
                    scheduledEventID: try row.decode(forColumn: "scheduled_event_id"),
                    attempt: try row.decode(forColumn: "attempt"),
                    startedAt: Date(wholeMilliseconds: try row.decode(forColumn: "started_at")),
                    closedAt: Date(wholeMilliseconds: try row.decode(forColumn: "closed_at")),
                    failure: try decodedFailure(try row.decode(forColumn: "failure")),
                    nextAttemptAt: (try row.decode(Int64?.self, forColumn: "next_attempt_at")).map(
                        Date.init(wholeMilliseconds:)
                    )
                )
            }
        }
    }

    /// See ``HistoryStore/heartbeats(of:)``.
    public func heartbeats(of executionID: String) async throws -> [Int: Payload] {
        try await read { db in
            let rows = try Row.fetchAll(
                db,
                sql: "SELECT scheduled_event_id, details FROM heartbeat WHERE execution_id = ?",
                arguments: [executionID]
            )
            return Dictionary(
                uniqueKeysWithValues: try rows.map {
                    (try $0.decode(Int.self, atIndex: 0), Payload(json: try $0.decode(String.self, atIndex: 1)))
                }
            )
        }
    }

    /// See ``HistoryStore/requests(for:)``.
    public func requests(for ownerID: String) async throws -> [StoredRequest] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT id, body FROM request
                    WHERE workflow_id IN (SELECT workflow_id FROM execution WHERE owner_id = ? AND status = 'running') ORDER BY id
                    """,
                arguments: [ownerID]
            ).map { row in
                StoredRequest(
                    id: try row.decode(atIndex: 0),
                    request: try JSONDecoder().decode(
                        EngineRequest.self,
                        from: Data(try row.decode(String.self, atIndex: 1).utf8)
                    )
                )
            }
        }
    }

    /// See ``HistoryStore/changeMark()``.
    public func changeMark() async throws -> Int {
        try await read { db in
            try Int.fetchOne(db.cachedStatement(sql: "SELECT coalesce(max(id), 0) FROM request")) ?? 0
        }
    }
}

private func decodedFailure(_ text: String) throws -> FailureInfo {
    try JSONDecoder().decode(FailureInfo.self, from: Data(text.utf8))
}

extension ExecutionRecord {
    fileprivate init(row: Row) throws {
        var parent: ParentExecution?
        if let workflowID = try row.decode(String?.self, forColumn: "parent_workflow_id"),
            let executionID = try row.decode(String?.self, forColumn: "parent_execution_id")
        {
            parent = ParentExecution(
                workflowID: workflowID,
                executionID: executionID,
                initiatedEventID: try row.decode(forColumn: "parent_event_id")
            )
        }
        self.init(
            workflowID: try row.decode(forColumn: "workflow_id"),
            executionID: try row.decode(forColumn: "execution_id"),
            firstExecutionID: try row.decode(forColumn: "first_execution_id"),
            previousExecutionID: try row.decode(forColumn: "previous_execution_id"),
            workflowType: try row.decode(forColumn: "workflow_type"),
            parent: parent,
            parentClosePolicy: ParentClosePolicy(rawValue: try row.decode(forColumn: "parent_close_policy"))
                ?? .terminate,
            status: ExecutionStatus(rawValue: try row.decode(forColumn: "status")) ?? .running,
            startedAt: Date(wholeMilliseconds: try row.decode(forColumn: "started_at")),
            closedAt: (try row.decode(Int64?.self, forColumn: "closed_at")).map(Date.init(wholeMilliseconds:)),
            historyLength: try row.decode(forColumn: "last_event_id") ?? 0,
            stall: try (try row.decode(String?.self, forColumn: "stall")).map(decodedFailure),
            ownerID: try row.decode(forColumn: "owner_id")
        )
    }
}
