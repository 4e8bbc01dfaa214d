package import GRDB

/// The tables of `backfill.sqlite`, and the views that are documented for people with `sqlite3`.
///
/// Times are milliseconds since 1970 in UTC. A record counts as *settled* once every subscription has acked or dead-lettered it;
/// `next_ordinal` is the first ordinal of a bucket that is not settled, so `published` never needs a counter of its own.
package enum RunStoreSchema {
    package static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 runs, queries, buckets, dead letters") { db in
            try db.execute(sql: tables)
        }
        migrator.registerMigration("2 hooks") { db in
            try db.execute(
                sql: """
                    -- The SQL of a run's hooks as it was when the run began.
                    CREATE TABLE hook (run_id TEXT NOT NULL REFERENCES run, name TEXT NOT NULL, sql TEXT NOT NULL, PRIMARY KEY (run_id, name))
                        WITHOUT ROWID
                    """
            )
        }
        migrator.registerMigration("3 control, redrives, canaries") { db in
            try db.execute(sql: control)
        }
        // Older versions made their views here; a file that has been through them must not look newer than this version.
        migrator.registerMigration("views 3") { _ in }
        migrator.registerMigration("4 records read directly") { db in
            try db.execute(sql: direct)
        }
        migrator.registerMigration("5 workers") { db in
            try db.execute(
                sql: """
                    -- The processes of a fleet that are at work on a run, each seen about once a second.
                    CREATE TABLE run_worker (run_id TEXT NOT NULL REFERENCES run, worker_id TEXT NOT NULL, seen_at INTEGER NOT NULL,
                        PRIMARY KEY (run_id, worker_id)) WITHOUT ROWID
                    """
            )
        }
        // Views hold nothing: those of this version replace whatever an older one left.
        migrator.registerMigration("views 4") { _ in }
        migrator.registerMigration("views 5") { db in
            try db.execute(
                sql: """
                    DROP VIEW IF EXISTS executor_progress;
                    DROP VIEW IF EXISTS run_progress;
                    DROP VIEW IF EXISTS query_progress;
                    DROP VIEW IF EXISTS bucket_progress;
                    """
            )
            try db.execute(sql: RunStoreViews.sql)
        }
        return migrator
    }

    private static let tables = """
        CREATE TABLE run (
            run_id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            spec_file TEXT NOT NULL,
            spec_digest TEXT NOT NULL,
            spec_text TEXT NOT NULL,          -- as written: ${VARIABLES} are not resolved here
            state TEXT NOT NULL CHECK (state IN ('running', 'complete', 'incomplete')),
            pass INTEGER NOT NULL,            -- how often an orchestrator was started for this run
            created_at INTEGER NOT NULL,
            finished_at INTEGER,
            error TEXT
        ) WITHOUT ROWID;

        -- The processes that worked on a run, so that time in which nobody did is not counted into rates.
        CREATE TABLE run_process (
            run_id TEXT NOT NULL REFERENCES run,
            process_id INTEGER NOT NULL,
            started_at INTEGER NOT NULL,
            last_seen_at INTEGER NOT NULL,
            PRIMARY KEY (run_id, started_at, process_id)
        ) WITHOUT ROWID;

        -- Records settled by the whole run, at most two rows a second; the newest ones give the present rate.
        CREATE TABLE rate_sample (
            run_id TEXT NOT NULL REFERENCES run,
            at INTEGER NOT NULL,
            settled INTEGER NOT NULL,
            PRIMARY KEY (run_id, at)
        ) WITHOUT ROWID;

        CREATE TABLE query (
            query_id TEXT PRIMARY KEY,
            run_id TEXT NOT NULL REFERENCES run,
            position INTEGER NOT NULL,
            name TEXT NOT NULL,
            lane TEXT,
            sql TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('pending', 'extracting', 'planned', 'complete', 'failed')),
            extracted_count INTEGER NOT NULL DEFAULT 0,
            staged TEXT,                      -- the staged result: file name, counts, checksum, columns (JSON)
            record_count INTEGER,
            byte_count INTEGER,
            bucket_count INTEGER,
            started_at INTEGER,
            planned_at INTEGER,
            finished_at INTEGER,
            error TEXT,
            UNIQUE (run_id, name)
        ) WITHOUT ROWID;

        CREATE TABLE bucket (
            query_id TEXT NOT NULL REFERENCES query,
            number INTEGER NOT NULL,
            first_ordinal INTEGER NOT NULL,
            end_ordinal INTEGER NOT NULL,     -- exclusive
            byte_count INTEGER,
            state TEXT NOT NULL CHECK (state IN ('pending', 'running', 'complete', 'failed')),
            next_ordinal INTEGER NOT NULL,    -- the checkpoint: first ordinal that is not settled
            dead_lettered INTEGER NOT NULL DEFAULT 0,
            batches INTEGER NOT NULL DEFAULT 0,
            retries INTEGER NOT NULL DEFAULT 0,        -- attempts of PublishBatch that failed
            redeliveries INTEGER NOT NULL DEFAULT 0,   -- messages delivered again, inside the topic
            execution_id TEXT,                -- the executor's newest execution
            waiting TEXT,                     -- why nothing moves just now
            error TEXT,                       -- the last failure
            started_at INTEGER,
            updated_at INTEGER,
            finished_at INTEGER,
            PRIMARY KEY (query_id, number)
        ) WITHOUT ROWID;

        -- One row for each execution of an executor's chain.
        CREATE TABLE executor (
            execution_id TEXT PRIMARY KEY,
            query_id TEXT NOT NULL REFERENCES query,
            bucket INTEGER NOT NULL,
            first_ordinal INTEGER NOT NULL,
            next_ordinal INTEGER NOT NULL,
            batches INTEGER NOT NULL,
            started_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX executor_by_bucket ON executor (query_id, bucket, started_at);

        CREATE TABLE dead_letter (
            run_id TEXT NOT NULL REFERENCES run,
            query_id TEXT NOT NULL REFERENCES query,
            ordinal INTEGER NOT NULL,
            subscription TEXT NOT NULL,
            bucket INTEGER NOT NULL,
            record_id TEXT NOT NULL,
            execution_id TEXT NOT NULL,
            correlation_id TEXT NOT NULL,
            error_type TEXT NOT NULL,
            error TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            payload TEXT NOT NULL,            -- the record's columns (JSON)
            created_at INTEGER NOT NULL,
            PRIMARY KEY (run_id, query_id, ordinal, subscription)
        ) WITHOUT ROWID;
        CREATE INDEX dead_letter_by_ordinal ON dead_letter (query_id, ordinal);
        """

    private static let control = """
        DROP VIEW IF EXISTS executor_progress;
        DROP VIEW IF EXISTS run_progress;
        DROP VIEW IF EXISTS query_progress;
        DROP VIEW IF EXISTS bucket_progress;

        CREATE TABLE run_3 (
            run_id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            spec_file TEXT NOT NULL,
            spec_digest TEXT NOT NULL,
            spec_text TEXT NOT NULL,          -- as written: ${VARIABLES} are not resolved here
            state TEXT NOT NULL CHECK (state IN ('running', 'complete', 'incomplete', 'cancelled')),
            pass INTEGER NOT NULL,            -- how often an orchestrator was started for this run
            created_at INTEGER NOT NULL,
            finished_at INTEGER,
            error TEXT,
            control TEXT NOT NULL DEFAULT '{}', -- what people asked of it while it ran (JSON)
            waiting TEXT,                     -- why the whole run waits just now
            waiting_since INTEGER,
            canary TEXT,                      -- a part of the records only: the limit (JSON); NULL for all records
            forecast_seconds REAL             -- how long the run would take, if that was asked before it began
        ) WITHOUT ROWID;
        INSERT INTO run_3 (run_id, name, spec_file, spec_digest, spec_text, state, pass, created_at, finished_at, error)
            SELECT run_id, name, spec_file, spec_digest, spec_text, state, pass, created_at, finished_at, error FROM run;
        DROP TABLE run;
        ALTER TABLE run_3 RENAME TO run;

        -- A query of the spec; 'superseded': its SQL was mended and another one took its place; 'redrive' and 'repair': records of a
        -- query published again to one subscription;
        -- 'catch-up': with mended SQL, to a subscription that lacks them.
        ALTER TABLE query ADD COLUMN kind TEXT NOT NULL DEFAULT 'query'
            CHECK (kind IN ('query', 'superseded', 'catch-up', 'redrive', 'repair'));
        ALTER TABLE query ADD COLUMN origin_id TEXT REFERENCES query;
        ALTER TABLE query ADD COLUMN subscription TEXT;
        ALTER TABLE query ADD COLUMN skips TEXT;  -- query ids whose published keys are left out (JSON)

        -- Which record of the origin a record of a redrive or repair is.
        CREATE TABLE record_origin (
            query_id TEXT NOT NULL REFERENCES query,
            ordinal INTEGER NOT NULL,
            origin_ordinal INTEGER NOT NULL,
            PRIMARY KEY (query_id, ordinal)
        ) WITHOUT ROWID;

        CREATE INDEX record_origin_by_origin ON record_origin (query_id, origin_ordinal);

        -- Records of a superseded query that one subscription lacks though others have taken them.
        CREATE TABLE lagging (
            query_id TEXT NOT NULL REFERENCES query,
            subscription TEXT NOT NULL,
            first_ordinal INTEGER NOT NULL,
            end_ordinal INTEGER NOT NULL,     -- exclusive
            PRIMARY KEY (query_id, subscription, first_ordinal)
        ) WITHOUT ROWID;

        ALTER TABLE dead_letter ADD COLUMN failed_in TEXT;      -- the query or redrive that met it last
        ALTER TABLE dead_letter ADD COLUMN discarded_at INTEGER;
        ALTER TABLE dead_letter ADD COLUMN discarded_by TEXT;

        -- What happened to a run that is no record's business: who paused it, which probe said no.
        CREATE TABLE run_event (
            number INTEGER PRIMARY KEY,
            run_id TEXT NOT NULL REFERENCES run,
            at INTEGER NOT NULL,
            kind TEXT NOT NULL,
            person TEXT,
            text TEXT NOT NULL
        );
        CREATE INDEX run_event_by_run ON run_event (run_id, number);
        """

    private static let direct = """
        DROP VIEW IF EXISTS executor_progress;
        DROP VIEW IF EXISTS run_progress;
        DROP VIEW IF EXISTS query_progress;
        DROP VIEW IF EXISTS bucket_progress;

        -- Of a query that is read at the source while it is published: how many records there were when it was cut, and the columns (JSON).
        ALTER TABLE query ADD COLUMN direct TEXT;
        ALTER TABLE bucket ADD COLUMN key_range TEXT;     -- of such a query: the keys that are read (JSON); ordinals are given while reading
        ALTER TABLE bucket ADD COLUMN planned INTEGER;    -- how many there were when the plan was made; end_ordinal follows what is there
        ALTER TABLE bucket ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;  -- ordinals below the checkpoint that no record has
        ALTER TABLE bucket ADD COLUMN reservation TEXT;   -- the keys that may have reached a sink and are not settled (JSON)
        ALTER TABLE executor ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;
        """
}
