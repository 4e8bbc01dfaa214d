import Foundation
import GRDB

/// The tables of `engine.sqlite`. Times are milliseconds since 1970 in UTC.
enum HistorySchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 executions, events, attempts, requests") { db in try db.execute(sql: tables) }
        migrator.registerMigration("2 a row for what one transaction adds to a history") { db in
            try db.execute(sql: batches)
            try moveEvents(db)
            try db.execute(sql: "DROP TABLE event")
            try db.execute(sql: eventView)
        }
        return migrator
    }

    /// Makes the tables, or turns an earlier version's into them.
    ///
    /// - Throws: ``EngineFailure`` for a file of a newer version, and for an earlier version's in which a process is at work; either is left as
    ///   it is. `DatabaseError`.
    static func bringUpToDate(_ database: any DatabaseWriter, file: URL, owners: URL) throws {
        let (isNewer, isOlder) = try database.read { db in
            (try migrator.hasBeenSuperseded(db), try !migrator.hasCompletedMigrations(db) && db.tableExists("owner"))
        }
        if isNewer {
            throw EngineFailure(
                "\(file.path) was written by a newer version and is left untouched. Use that version, or another state folder."
            )
        }
        if isOlder, let owner = try livingOwner(in: database, owners: owners) {
            throw EngineFailure(
                "Process \(owner), of an earlier version, is at work on \(file.path). Wait until it has ended, or stop it; then try again."
            )
        }
        try migrator.migrate(database)
    }

    private static func livingOwner(in database: any DatabaseWriter, owners: URL) throws -> Int? {
        let known = try database.read { db in try Row.fetchAll(db, sql: "SELECT owner_id, process_id FROM owner") }
        return try known.first { try OwnerLock.isHeld(folder: owners, ownerID: $0.decode(atIndex: 0)) }?.decode(
            atIndex: 1
        )
    }

    /// An id of `event_batch` is the execution's number times this, plus the id of the batch's first event.
    static let eventsPerExecution: Int64 = 1 << 32

    /// SQL for the ids of batches of the row of `execution` that a statement is at.
    static let ownBatches =
        "BETWEEN execution.number * \(eventsPerExecution) AND (execution.number + 1) * \(eventsPerExecution) - 1"

    /// SQL for the id of the last event of the row of `execution` that a statement is at.
    static let lastEventID =
        "(SELECT id % \(eventsPerExecution) + length - 1 FROM event_batch WHERE id \(ownBatches) ORDER BY id DESC LIMIT 1)"

    private static let tables = """
        CREATE TABLE owner (owner_id TEXT PRIMARY KEY, process_id INTEGER NOT NULL) WITHOUT ROWID;

        CREATE TABLE execution (
            execution_id TEXT NOT NULL UNIQUE,
            workflow_id TEXT NOT NULL,
            first_execution_id TEXT NOT NULL,
            previous_execution_id TEXT,
            workflow_type TEXT NOT NULL,
            parent_workflow_id TEXT,
            parent_execution_id TEXT,
            parent_event_id INTEGER,
            parent_close_policy TEXT NOT NULL,
            status TEXT NOT NULL,
            started_at INTEGER NOT NULL,
            closed_at INTEGER,
            history_length INTEGER NOT NULL,  -- once it is closed; until then its events are counted
            stall TEXT,                       -- why it waits for a fixed program (JSON)
            owner_id TEXT NOT NULL REFERENCES owner
        );
        CREATE INDEX execution_by_workflow_id ON execution (workflow_id, started_at);
        CREATE INDEX execution_by_parent ON execution (parent_execution_id) WHERE parent_execution_id IS NOT NULL;
        -- At most one open execution of a workflow id, whoever starts it.
        CREATE UNIQUE INDEX open_execution ON execution (workflow_id) WHERE status = 'running';

        CREATE TABLE event (
            execution_id TEXT NOT NULL,
            event_id INTEGER NOT NULL,
            at INTEGER NOT NULL,
            type TEXT NOT NULL,               -- Temporal's name
            attributes TEXT NOT NULL,         -- JSON
            payload TEXT,                     -- the input or result (JSON)
            PRIMARY KEY (execution_id, event_id)
        ) WITHOUT ROWID;

        CREATE TABLE activity_attempt (       -- failed attempts; one that succeeded is in the events
            execution_id TEXT NOT NULL,
            scheduled_event_id INTEGER NOT NULL,
            attempt INTEGER NOT NULL,
            activity_id TEXT NOT NULL,
            activity_type TEXT NOT NULL,
            started_at INTEGER NOT NULL,
            closed_at INTEGER NOT NULL,
            failure TEXT NOT NULL,            -- JSON
            next_attempt_at INTEGER,
            PRIMARY KEY (execution_id, scheduled_event_id, attempt)
        ) WITHOUT ROWID;

        CREATE TABLE heartbeat (
            execution_id TEXT NOT NULL,
            scheduled_event_id INTEGER NOT NULL,
            details TEXT NOT NULL,
            PRIMARY KEY (execution_id, scheduled_event_id)
        ) WITHOUT ROWID;

        CREATE TABLE request (                -- what other processes ask of an owner
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            workflow_id TEXT NOT NULL,
            body TEXT NOT NULL                -- JSON
        );
        """

    // An execution's number is shorter than its id, and unlike its rowid stays what it is when somebody vacuums the file.
    private static let batches = """
        ALTER TABLE execution ADD COLUMN number INTEGER;
        UPDATE execution SET number = rowid;
        CREATE UNIQUE INDEX execution_by_number ON execution (number);
        -- How often the owner has committed here: what its journal holds of that generation came after it.
        ALTER TABLE owner ADD COLUMN journal_generation INTEGER NOT NULL DEFAULT 0;

        CREATE TABLE event_batch (            -- what one transaction added to one history
            id INTEGER PRIMARY KEY,           -- execution.number * 2^32 + the id of the first event
            length INTEGER NOT NULL,          -- events
            events TEXT NOT NULL              -- JSON: [[at, type, attributes, payload if any], …]
        );
        """

    /// For people with `sqlite3`; the program reads batches.
    private static let eventView = """
        CREATE VIEW event (execution_id, event_id, at, type, attributes, payload) AS
        SELECT execution_id, event_batch.id % \(eventsPerExecution) + each.key,
            each.value ->> 0, each.value ->> 1, each.value -> 2, each.value -> 3
        FROM execution
            JOIN event_batch ON event_batch.id \(ownBatches),
            json_each(event_batch.events) AS each
        """

    private static func moveEvents(_ db: Database) throws {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT number, event_id, at, type, attributes, payload FROM event JOIN execution USING (execution_id)
                ORDER BY number, event_id
                """
        )
        while let row = try rows.next() {
            let payload = (row[5] as String?).map { ",\($0)" } ?? ""
            try db.execute(
                sql: "INSERT INTO event_batch (id, length, events) VALUES (?, 1, ?)",
                arguments: [
                    (row[0] as Int64) * eventsPerExecution + (row[1] as Int64),
                    "[[\(row[2] as Int64),\"\(row[3] as String)\",\(row[4] as String)\(payload)]]",
                ]
            )
        }
    }
}
