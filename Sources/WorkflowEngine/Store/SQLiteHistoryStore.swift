public import Foundation
import GRDB
import Synchronization
public import Workflows

/// Histories in a SQLite file, shared by the processes of one machine.
public final class SQLiteHistoryStore: HistoryStore {
    private let database: any DatabaseWriter
    private let owners: URL
    private let locks = Mutex<[String: OwnerLock]>([:])

    /// Opens the file for an engine; makes it, for its owner only (mode 0600), when it is not there.
    ///
    /// - Throws: ``EngineFailure`` when it cannot be opened or comes from a newer version; it is untouched then.
    public init(file: URL) throws {
        owners = file.deletingPathExtension().appendingPathExtension("owners")
        do {
            if !FileManager.default.fileExists(atPath: file.path) {
                let descriptor = open(file.path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
                guard descriptor >= 0 else {
                    throw EngineFailure("The file \(file.path) cannot be made: \(String(cString: strerror(errno))).")
                }
                close(descriptor)
            }
            var configuration = Configuration()
            configuration.busyMode = .timeout(10)
            configuration.prepareDatabase { db in
                // Pages that change again and again reach the file less often; the log stays below 20 MB.
                try db.execute(sql: "PRAGMA wal_autocheckpoint = 4000")
            }
            let pool = try DatabasePool(path: file.path, configuration: configuration)
            try Self.refuseNewer(pool, file: file)
            try HistorySchema.migrator.migrate(pool)
            try pool.writeWithoutTransaction { db in try Self.syncLess(db) }
            database = pool
        } catch let error as DatabaseError {
            throw Self.failure(error, file: file)
        }
    }

    /// From here on a power cut may take back the last turns, though never reorder them or leave one half. What they had published comes again,
    /// and sinks trim it by their own ledgers, which are synced.
    private static func syncLess(_ db: Database) throws { try db.execute(sql: "PRAGMA synchronous = NORMAL") }

    /// Opens the file for a process that only looks, and leaves requests. Where there is none, or none was begun, there are no histories.
    public init(reading file: URL) throws {
        owners = file.deletingPathExtension().appendingPathExtension("owners")
        do {
            var configuration = Configuration()
            configuration.busyMode = .timeout(10)
            let found =
                FileManager.default.fileExists(atPath: file.path)
                ? try DatabaseQueue(path: file.path, configuration: configuration) : nil
            if let found { try Self.refuseNewer(found, file: file) }
            if let found, try found.read({ db in try db.tableExists("execution") }) {
                database = found
            } else {
                database = try DatabaseQueue()
                try HistorySchema.migrator.migrate(database)
            }
        } catch let error as DatabaseError {
            throw Self.failure(error, file: file)
        }
    }

    private static func refuseNewer(_ reader: any DatabaseReader, file: URL) throws {
        if try reader.read({ db in try HistorySchema.migrator.hasBeenSuperseded(db) }) {
            throw EngineFailure(
                "\(file.path) was written by a newer version and is left untouched. Use that version, or another state folder."
            )
        }
    }

    private static func failure(_ error: DatabaseError, file: URL) -> EngineFailure {
        EngineFailure(
            "The histories in \(file.path) cannot be opened: \(error.message ?? "\(error.resultCode)"). Check the folder's permissions and free space."
        )
    }

    /// See ``HistoryStore/commit(_:)``.
    public func commit(_ writes: [StoreWrite]) async throws {
        do {
            // Here and now: to hand a commit to another thread and wait for it takes longer than most commits do.
            try commitHere(writes)
        } catch let error as DatabaseError {
            throw EngineFailure(
                error.resultCode == .SQLITE_FULL
                    ? "The disk is full: the histories cannot grow. What was committed stands. Make room, then carry on."
                    : "The histories cannot be written: \(error.message ?? "\(error.resultCode)"). What was committed stands."
            )
        }
    }

    private func commitHere(_ writes: [StoreWrite]) throws {
        // Work that a client is told has begun stays begun.
        let mustBeSynced = writes.contains(where: \.isStart)
        try database.writeWithoutTransaction { db in
            if mustBeSynced { try db.execute(sql: "PRAGMA synchronous = FULL") }
            // Should it fail, later commits only take longer.
            defer { if mustBeSynced { try? Self.syncLess(db) } }
            try HistoryStatement("BEGIN IMMEDIATE", db).run()
            do {
                try HistoryWriter(db).write(writes)
                try HistoryStatement("COMMIT", db).run()
            } catch {
                // Some failures have rolled back already, as that of a full disk has.
                if db.isInsideTransaction { try HistoryStatement("ROLLBACK", db).run() }
                throw error
            }
        }
    }

    /// See ``HistoryStore/history(of:)``.
    public func history(of executionID: String) async throws -> [HistoryEvent] {
        try await database.read { db in
            let rows = try Row.fetchCursor(
                db.cachedStatement(
                    sql:
                        "SELECT event_id, at, type, attributes, payload FROM event WHERE execution_id = ? ORDER BY event_id"
                ),
                arguments: [executionID]
            )
            var events: [HistoryEvent] = []
            while let row = try rows.next() {
                let stored = EventRow(type: row[2], attributes: row[3], payload: row[4])
                events.append(
                    HistoryEvent(
                        id: row[0],
                        timestamp: Date(wholeMilliseconds: row[1]),
                        attributes: try stored.decoded()
                    )
                )
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
        try await database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT *, (SELECT max(event_id) FROM event WHERE execution_id = execution.execution_id) AS last_event_id
                    FROM execution \(condition)
                    """,
                arguments: arguments
            ).map(ExecutionRecord.init(row:))
        }
    }

    /// See ``HistoryStore/attempts(of:)``.
    public func attempts(of executionID: String) async throws -> [ActivityAttempt] {
        try await database.read { db in
            try Row.fetchAll(
                db,
                sql: "SELECT * FROM activity_attempt WHERE execution_id = ? ORDER BY scheduled_event_id, attempt",
                arguments: [executionID]
            ).map { row in
                ActivityAttempt(
                    executionID: row["execution_id"],
                    activityID: row["activity_id"],
                    activityType: row["activity_type"],
                    scheduledEventID: row["scheduled_event_id"],
                    attempt: row["attempt"],
                    startedAt: Date(wholeMilliseconds: row["started_at"]),
                    closedAt: Date(wholeMilliseconds: row["closed_at"]),
                    failure: try decodedFailure(row["failure"]),
                    nextAttemptAt: (row["next_attempt_at"] as Int64?).map(Date.init(wholeMilliseconds:))
                )
            }
        }
    }

    /// See ``HistoryStore/heartbeats(of:)``.
    public func heartbeats(of executionID: String) async throws -> [Int: Payload] {
        try await database.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: "SELECT scheduled_event_id, details FROM heartbeat WHERE execution_id = ?",
                arguments: [executionID]
            )
            return Dictionary(uniqueKeysWithValues: rows.map { ($0[0] as Int, Payload(json: $0[1] as String)) })
        }
    }

    /// See ``HistoryStore/append(_:)``.
    public func append(_ request: EngineRequest) async throws {
        let body = try StoredJSON.text(request)
        try await database.write { db in
            try db.execute(
                sql: "INSERT INTO request (workflow_id, body) VALUES (?, ?)",
                arguments: [request.workflowID, body]
            )
        }
    }

    /// See ``HistoryStore/requests(for:)``.
    public func requests(for ownerID: String) async throws -> [StoredRequest] {
        try await database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT id, body FROM request
                    WHERE workflow_id IN (SELECT workflow_id FROM execution WHERE owner_id = ? AND status = 'running') ORDER BY id
                    """,
                arguments: [ownerID]
            ).map { row in
                StoredRequest(
                    id: row[0],
                    request: try JSONDecoder().decode(EngineRequest.self, from: Data((row[1] as String).utf8))
                )
            }
        }
    }

    /// See ``HistoryStore/changeMark()``.
    public func changeMark() async throws -> Int {
        try await database.read { db in
            try Int.fetchOne(db.cachedStatement(sql: "SELECT coalesce(max(id), 0) FROM request")) ?? 0
        }
    }

    /// See ``HistoryStore/register(owner:)``.
    public func register(owner: ExecutionOwner) async throws {
        let lock = try OwnerLock(folder: owners, ownerID: owner.id)
        locks.withLock { $0[owner.id] = lock }
        try await database.write { db in
            try db.execute(
                sql: "INSERT INTO owner (owner_id, process_id) VALUES (?, ?)",
                arguments: [owner.id, owner.processID]
            )
        }
    }

    /// See ``HistoryStore/owner(_:)``.
    public func owner(_ ownerID: String) async throws -> ExecutionOwner? {
        let processID = try await database.read { db in
            try Int.fetchOne(db, sql: "SELECT process_id FROM owner WHERE owner_id = ?", arguments: [ownerID])
        }
        return processID.map {
            ExecutionOwner(id: ownerID, processID: $0, isAlive: OwnerLock.isHeld(folder: owners, ownerID: ownerID))
        }
    }

    /// See ``HistoryStore/release(ownerID:)``.
    public func release(ownerID: String) async {
        locks.withLock { $0.removeValue(forKey: ownerID) }?.release()
    }

    /// Gives up the locks and the file as the end of a process would: the lock files stay. For simulations.
    package func abandon() throws {
        locks.withLock { $0 = [:] }
        try database.close()
    }
}

private func decodedFailure(_ text: String) throws -> FailureInfo {
    try JSONDecoder().decode(FailureInfo.self, from: Data(text.utf8))
}

extension ExecutionRecord {
    fileprivate init(row: Row) throws {
        var parent: ParentExecution?
        if let workflowID = row["parent_workflow_id"] as String?,
            let executionID = row["parent_execution_id"] as String?
        {
            parent = ParentExecution(
                workflowID: workflowID,
                executionID: executionID,
                initiatedEventID: row["parent_event_id"]
            )
        }
        self.init(
            workflowID: row["workflow_id"],
            executionID: row["execution_id"],
            firstExecutionID: row["first_execution_id"],
            previousExecutionID: row["previous_execution_id"],
            workflowType: row["workflow_type"],
            parent: parent,
            parentClosePolicy: ParentClosePolicy(rawValue: row["parent_close_policy"]) ?? .terminate,
            status: ExecutionStatus(rawValue: row["status"]) ?? .running,
            startedAt: Date(wholeMilliseconds: row["started_at"]),
            closedAt: (row["closed_at"] as Int64?).map(Date.init(wholeMilliseconds:)),
            historyLength: row["last_event_id"] ?? 0,
            stall: try (row["stall"] as String?).map(decodedFailure),
            ownerID: row["owner_id"]
        )
    }
}

extension Date {
    package var wholeMilliseconds: Int64 { Int64((timeIntervalSince1970 * 1000).rounded()) }
    package init(wholeMilliseconds: Int64) { self.init(timeIntervalSince1970: Double(wholeMilliseconds) / 1000) }
}
