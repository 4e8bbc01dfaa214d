import Foundation
import GRDB
import Workflows

/// Writes the changes of one commit after the other: to the journal where that will do, or else to the database.
struct HistoryWriter {
    /// Where commits go that only add to histories; none before an owner is known.
    private var journal: HistoryJournal?
    /// The numbers of executions that are written to.
    private var numbers: [String: Int64] = [:]

    /// Whether the journal holds what the database lacks.
    var isBehind: Bool { !(journal?.content.batches.isEmpty ?? true) }
    /// Whether it is time to bring it in.
    var isFull: Bool { journal?.isFull ?? false }

    /// Begins a journal for an owner, unless there is one for another.
    mutating func begin(folder: URL, ownerID: String) throws {
        if journal == nil { journal = try HistoryJournal(folder: folder, ownerID: ownerID) }
    }

    /// Removes the owner's journal, which has been brought in.
    mutating func end(ownerID: String) {
        guard journal?.ownerID == ownerID, !isBehind else { return }
        journal?.remove()
        journal = nil
    }

    /// Lets go of the journal as the end of a process would.
    mutating func abandon() { journal = nil }

    // MARK: The journal

    /// Writes to the journal.
    ///
    /// - Returns: whether that was possible; nothing is written otherwise.
    mutating func writeToJournal(_ writes: [StoreWrite]) throws -> Bool {
        var additions: [(number: Int64, events: [HistoryEvent])] = []
        for write in writes {
            guard case .append(let executionID, let events) = write, let number = numbers[executionID] else {
                return false
            }
            additions.append((number, events))
        }
        return try journal?.commit { content in
            for addition in additions { try content.add(addition.events, number: addition.number) }
        } != nil
    }

    // MARK: The database

    /// Writes what the journal holds, and then these changes, within a transaction. When that is committed, ``committed()`` is to be called,
    /// and ``rolledBack()`` when it is not.
    mutating func write(_ writes: [StoreWrite], _ db: Database) throws {
        if let journal {
            try Self.insert(journal.content.batches, of: journal.content.bytes, db)
            // Also when it was empty: a power cut that takes this transaction back, but leaves what the journal holds by then, must not let
            // that be added to what there was before.
            try Self.setGeneration(journal.generation + 1, ofOwner: journal.ownerID, db)
        }
        for write in writes { try apply(write, db) }
    }

    mutating func committed() { journal?.beginNext() }

    mutating func rolledBack() {
        // Some may have been given to executions that are not there now.
        numbers = [:]
    }

    /// Brings in what a dead owner's journal holds, within a transaction.
    static func bringIn(_ content: [UInt8], ownerID: String, _ db: Database) throws {
        let generation = try Int64.fetchOne(
            db,
            sql: "SELECT journal_generation FROM owner WHERE owner_id = ?",
            arguments: [ownerID]
        )
        // The journal of another file of histories, whatever became of that.
        guard let generation else { return }
        try insert(HistoryJournal.batches(in: content, generation: generation), of: content, db)
        try setGeneration(generation + 1, ofOwner: ownerID, db)
    }

    private static func insert(_ batches: [HistoryJournal.Batch], of bytes: [UInt8], _ db: Database) throws {
        let insert = try HistoryStatement("INSERT INTO event_batch (id, length, events) VALUES (?, ?, ?)", db)
        for batch in batches {
            insert.bind(1, batch.id)
            insert.bind(2, batch.length)
            try bytes.withUnsafeBufferPointer { bytes in
                try insert.run(binding: 3, UnsafeBufferPointer(rebasing: bytes[batch.json]))
            }
        }
    }

    private static func setGeneration(_ generation: Int64, ofOwner ownerID: String, _ db: Database) throws {
        try db.cachedStatement(sql: "UPDATE owner SET journal_generation = ? WHERE owner_id = ?")
            .execute(arguments: [generation, ownerID])
    }

    private mutating func apply(_ write: StoreWrite, _ db: Database) throws {
        switch write {
        case .create(let record):
            try db.cachedStatement(
                sql: """
                    INSERT INTO execution (execution_id, workflow_id, first_execution_id, previous_execution_id, workflow_type,
                        parent_workflow_id, parent_execution_id, parent_event_id, parent_close_policy, status, started_at,
                        history_length, owner_id, number)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(number), 0) + 1 FROM execution))
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
            var content = HistoryJournal.Content()
            try content.add(events, number: try number(of: executionID, db))
            try Self.insert(content.batches, of: content.bytes, db)
        case .close(let executionID, let status, let at):
            try db.cachedStatement(
                sql: """
                    UPDATE execution SET status = ?, closed_at = ?, stall = NULL, history_length = \(HistorySchema.lastEventID)
                    WHERE execution_id = ?
                    """
            )
            .execute(arguments: [status.rawValue, at.wholeMilliseconds, executionID])
            numbers[executionID] = nil
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

    private mutating func number(of executionID: String, _ db: Database) throws -> Int64 {
        if let number = numbers[executionID] { return number }
        let number = try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT number FROM execution WHERE execution_id = ?"),
            arguments: [executionID]
        )
        guard let number else {
            throw EngineFailure("The histories lack execution \(executionID), which they should hold.")
        }
        numbers[executionID] = number
        return number
    }
}
