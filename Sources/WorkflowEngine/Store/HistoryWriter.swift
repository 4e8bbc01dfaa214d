import GRDB
import Workflows

/// Writes the changes of one transaction.
struct HistoryWriter {
    private let db: Database

    init(_ db: Database) { self.db = db }

    func write(_ writes: [StoreWrite]) throws {
        for write in writes { try apply(write) }
    }

    private func apply(_ write: StoreWrite) throws {
        switch write {
        case .create(let record):
            try db.cachedStatement(
                sql: """
                    INSERT INTO execution (execution_id, workflow_id, first_execution_id, previous_execution_id, workflow_type,
                        parent_workflow_id, parent_execution_id, parent_event_id, parent_close_policy, status, started_at,
                        history_length, owner_id)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """
            ).execute(arguments: [
                record.executionID, record.workflowID, record.firstExecutionID, record.previousExecutionID,
                record.workflowType,
                record.parent?.workflowID, record.parent?.executionID, record.parent?.initiatedEventID,
                record.parentClosePolicy.rawValue, record.status.rawValue, record.startedAt.wholeMilliseconds,
                record.historyLength,
                record.ownerID,
            ])
        case .append(let executionID, let events):
            let insert = try HistoryStatement(
                "INSERT INTO event (execution_id, event_id, at, type, attributes, payload) VALUES (?, ?, ?, ?, ?, ?)",
                db
            )
            insert.bind(1, executionID)
            for event in events {
                let row = try EventRow(event.attributes)
                insert.bind(2, Int64(event.id))
                insert.bind(3, event.timestamp.wholeMilliseconds)
                insert.bind(4, row.type)
                insert.bind(5, row.attributes)
                if let payload = row.payload { insert.bind(6, payload) } else { insert.bindNull(6) }
                try insert.run()
            }
        case .close(let executionID, let status, let at):
            try db.cachedStatement(
                sql: """
                    UPDATE execution SET status = ?, closed_at = ?, stall = NULL,
                        history_length = (SELECT max(event_id) FROM event WHERE execution_id = execution.execution_id)
                    WHERE execution_id = ?
                    """
            )
            .execute(arguments: [status.rawValue, at.wholeMilliseconds, executionID])
            try db.cachedStatement(sql: "DELETE FROM heartbeat WHERE execution_id = ?").execute(arguments: [executionID]
            )
        case .stall(let executionID, let failure):
            try db.execute(
                sql: "UPDATE execution SET stall = ? WHERE execution_id = ?",
                arguments: [try failure.map { try StoredJSON.text($0) }, executionID]
            )
        case .attempt(let attempt):
            try db.execute(
                sql: """
                    INSERT OR REPLACE INTO activity_attempt (execution_id, scheduled_event_id, attempt, activity_id, activity_type,
                        started_at, closed_at, failure, next_attempt_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    attempt.executionID, attempt.scheduledEventID, attempt.attempt, attempt.activityID,
                    attempt.activityType,
                    attempt.startedAt.wholeMilliseconds, attempt.closedAt.wholeMilliseconds,
                    try StoredJSON.text(attempt.failure),
                    attempt.nextAttemptAt?.wholeMilliseconds,
                ]
            )
        case .heartbeat(let executionID, let scheduledEventID, let details):
            try db.execute(
                sql: "INSERT OR REPLACE INTO heartbeat (execution_id, scheduled_event_id, details) VALUES (?, ?, ?)",
                arguments: [executionID, scheduledEventID, details.text]
            )
        case .claim(let executionID, let ownerID):
            try db.execute(
                sql: "UPDATE execution SET owner_id = ?, stall = NULL WHERE execution_id = ?",
                arguments: [ownerID, executionID]
            )
        case .consume(let requestID): try db.execute(sql: "DELETE FROM request WHERE id = ?", arguments: [requestID])
        }
    }
}
