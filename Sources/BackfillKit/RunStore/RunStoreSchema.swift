import GRDB

/// The tables of `backfill.sqlite`, and the views that are documented for people with `sqlite3`.
///
/// Times are milliseconds since 1970 in UTC. A record counts as *settled* once every subscription has acked or dead-lettered it;
/// `next_ordinal` is the first ordinal of a bucket that is not settled, so `published` never needs a counter of its own.
enum RunStoreSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 runs, queries, buckets, dead letters") { db in
            try db.execute(sql: tables)
            try db.execute(sql: views)
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

    private static let views = """
        CREATE VIEW bucket_progress AS
        SELECT q.run_id, q.query_id, q.name AS query, q.position, b.number AS bucket, b.state,
               b.end_ordinal - b.first_ordinal AS records,
               b.next_ordinal - b.first_ordinal - b.dead_lettered AS published,
               b.dead_lettered,
               round(100.0 * (b.next_ordinal - b.first_ordinal) / (b.end_ordinal - b.first_ordinal), 2) AS per_cent,
               b.first_ordinal, b.next_ordinal, b.end_ordinal, b.batches, b.retries, b.redeliveries,
               b.execution_id,
               (SELECT count(*) FROM executor e WHERE e.query_id = b.query_id AND e.bucket = b.number) AS executions,
               b.waiting, b.error, b.started_at, b.updated_at, b.finished_at
        FROM bucket b JOIN query q USING (query_id);

        CREATE VIEW query_progress AS
        SELECT q.run_id, q.query_id, q.name AS query, q.position, q.lane, q.state,
               q.extracted_count AS extracted, q.record_count AS records,
               total(p.published) AS published, total(p.dead_lettered) AS dead_lettered,
               CASE WHEN q.record_count > 0
                    THEN round(100.0 * (total(p.published) + total(p.dead_lettered)) / q.record_count, 2)
                    WHEN q.record_count = 0 THEN 100.0 ELSE 0.0 END AS per_cent,
               q.bucket_count AS buckets,
               count(CASE p.state WHEN 'complete' THEN 1 END) AS buckets_complete,
               count(CASE p.state WHEN 'failed' THEN 1 END) AS buckets_failed,
               total(p.retries) AS retries, total(p.redeliveries) AS redeliveries,
               q.started_at, q.finished_at, q.error
        FROM query q LEFT JOIN bucket_progress p USING (query_id)
        GROUP BY q.query_id;

        CREATE VIEW run_progress AS
        SELECT r.run_id, r.name, r.state, r.pass,
               sum(q.records) AS records, CAST(total(q.published) AS INTEGER) AS published,
               CAST(total(q.dead_lettered) AS INTEGER) AS dead_lettered,
               CAST(total(q.extracted) AS INTEGER) AS extracted,
               count(*) AS queries, CAST(total(q.buckets) AS INTEGER) AS buckets,
               CAST(total(q.buckets_complete) AS INTEGER) AS buckets_complete,
               CAST(total(q.buckets_failed) AS INTEGER) AS buckets_failed,
               count(CASE q.state WHEN 'failed' THEN 1 END) AS queries_failed,
               CAST(total(q.retries) AS INTEGER) AS retries,
               CAST(total(q.redeliveries) AS INTEGER) AS redeliveries,
               count(CASE WHEN q.records IS NULL THEN 1 END) AS queries_not_counted,
               r.created_at, r.finished_at, r.error
        FROM run r JOIN query_progress q USING (run_id)
        GROUP BY r.run_id;

        CREATE VIEW executor_progress AS
        SELECT q.run_id, q.name AS query, e.query_id, e.bucket, e.execution_id,
               row_number() OVER (PARTITION BY e.query_id, e.bucket ORDER BY e.execution_id) AS link,
               e.next_ordinal - e.first_ordinal AS settled, e.first_ordinal, e.next_ordinal, e.batches,
               e.started_at, e.updated_at
        FROM executor e JOIN query q USING (query_id);
        """
}
