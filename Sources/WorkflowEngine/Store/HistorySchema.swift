import GRDB

/// The tables of `engine.sqlite`. Times are milliseconds since 1970 in UTC.
enum HistorySchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 executions, events, attempts, requests") { db in try db.execute(sql: tables) }
        return migrator
    }

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
}
