import SQLConnectors

/// The tables of a run store in PostgreSQL: those of ``RunStoreSchema``, and what only several machines need.
enum PostgreSQLSchema {
    /// Each brings the one before up to date.
    private static let versions = [tables + functions + RunStoreViews.sql]

    /// What of a schema is there.
    enum Standing: Equatable {
        case none, current, older, newer
    }

    static func standing(of schema: String, on connection: PostgreSQLConnection) throws -> Standing {
        let there = try connection.execute(
            "SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = 'store_version'",
            [schema]
        )
        guard there.count > 0 else { return .none }
        let version = try connection.execute("SELECT version FROM store_version")[0, 0].flatMap { Int($0) } ?? 0
        if version == versions.count { return .current }
        return version < versions.count ? .older : .newer
    }

    /// Makes the schema, or brings it up to date; all or nothing, and one process at a time.
    static func make(_ schema: String, on connection: PostgreSQLConnection) throws {
        try connection.execute("BEGIN")
        try connection.execute("SELECT pg_advisory_xact_lock(hashtext($1))", ["backfill schema \(schema)"])
        let name = quotedIdentifier(schema)
        // CREATE SCHEMA asks for the right to do so even where there is nothing to do.
        if try connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = $1", [schema]).count == 0 {
            try connection.execute("CREATE SCHEMA \(name)")
            // Records are other people's data.
            try connection.execute("REVOKE ALL ON SCHEMA \(name) FROM PUBLIC")
        }
        switch try standing(of: schema, on: connection) {
        case .current, .newer: break
        case .none:
            for sql in versions { try connection.execute(sql) }
            try connection.execute("INSERT INTO store_version (version) VALUES ($1)", [String(versions.count)])
        case .older:
            let version = try connection.execute("SELECT version FROM store_version")[0, 0].flatMap { Int($0) } ?? 0
            for sql in versions[version...] { try connection.execute(sql) }
            try connection.execute("UPDATE store_version SET version = $1", [String(versions.count)])
        }
        try connection.execute("COMMIT")
    }

    private static let tables = """
        CREATE TABLE store_version (version BIGINT NOT NULL);

        -- Locked by those who write; holds nothing.
        CREATE TABLE write_turn ();

        -- Which cluster the runs are on, and what its workers poll.
        CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);

        -- Files that every worker needs: staged results, and the record ids of canaries.
        CREATE TABLE result_part (file TEXT NOT NULL, part BIGINT NOT NULL, bytes BYTEA NOT NULL, PRIMARY KEY (file, part));
        -- Compressing takes longer than sending.
        ALTER TABLE result_part ALTER COLUMN bytes SET STORAGE EXTERNAL;

        CREATE TABLE run (
            run_id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            spec_file TEXT NOT NULL,
            spec_digest TEXT NOT NULL,
            spec_text TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('running', 'complete', 'incomplete', 'cancelled')),
            pass BIGINT NOT NULL,
            created_at BIGINT NOT NULL,
            finished_at BIGINT,
            error TEXT,
            control TEXT NOT NULL DEFAULT '{}',
            waiting TEXT,
            waiting_since BIGINT,
            canary TEXT,
            forecast_seconds DOUBLE PRECISION
        );

        CREATE TABLE hook (run_id TEXT NOT NULL REFERENCES run, name TEXT NOT NULL, sql TEXT NOT NULL, PRIMARY KEY (run_id, name));

        CREATE TABLE run_process (
            run_id TEXT NOT NULL REFERENCES run,
            process_id BIGINT NOT NULL,
            started_at BIGINT NOT NULL,
            last_seen_at BIGINT NOT NULL,
            PRIMARY KEY (run_id, started_at, process_id)
        );

        CREATE TABLE run_worker (
            run_id TEXT NOT NULL REFERENCES run,
            worker_id TEXT NOT NULL,
            seen_at BIGINT NOT NULL,
            PRIMARY KEY (run_id, worker_id)
        );

        CREATE TABLE rate_sample (
            run_id TEXT NOT NULL REFERENCES run,
            at BIGINT NOT NULL,
            settled BIGINT NOT NULL,
            PRIMARY KEY (run_id, at)
        );

        CREATE TABLE query (
            query_id TEXT PRIMARY KEY,
            run_id TEXT NOT NULL REFERENCES run,
            position BIGINT NOT NULL,
            name TEXT NOT NULL,
            lane TEXT,
            sql TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('pending', 'extracting', 'planned', 'complete', 'failed')),
            extracted_count BIGINT NOT NULL DEFAULT 0,
            staged TEXT,
            direct TEXT,
            record_count BIGINT,
            byte_count BIGINT,
            bucket_count BIGINT,
            started_at BIGINT,
            planned_at BIGINT,
            finished_at BIGINT,
            error TEXT,
            kind TEXT NOT NULL DEFAULT 'query'
                CHECK (kind IN ('query', 'superseded', 'catch-up', 'redrive', 'repair')),
            origin_id TEXT REFERENCES query,
            subscription TEXT,
            skips TEXT,
            UNIQUE (run_id, name)
        );

        CREATE TABLE bucket (
            query_id TEXT NOT NULL REFERENCES query,
            number BIGINT NOT NULL,
            first_ordinal BIGINT NOT NULL,
            end_ordinal BIGINT NOT NULL,
            byte_count BIGINT,
            state TEXT NOT NULL CHECK (state IN ('pending', 'running', 'complete', 'failed')),
            next_ordinal BIGINT NOT NULL,
            dead_lettered BIGINT NOT NULL DEFAULT 0,
            batches BIGINT NOT NULL DEFAULT 0,
            retries BIGINT NOT NULL DEFAULT 0,
            redeliveries BIGINT NOT NULL DEFAULT 0,
            execution_id TEXT,
            waiting TEXT,
            error TEXT,
            started_at BIGINT,
            updated_at BIGINT,
            finished_at BIGINT,
            key_range TEXT,
            planned BIGINT,
            skipped BIGINT NOT NULL DEFAULT 0,
            reservation TEXT,
            PRIMARY KEY (query_id, number)
        ) WITH (fillfactor = 50);   -- each batch changes its bucket's row: there is room for the next version beside it

        CREATE TABLE executor (
            execution_id TEXT PRIMARY KEY,
            query_id TEXT NOT NULL REFERENCES query,
            bucket BIGINT NOT NULL,
            first_ordinal BIGINT NOT NULL,
            next_ordinal BIGINT NOT NULL,
            batches BIGINT NOT NULL,
            started_at BIGINT NOT NULL,
            updated_at BIGINT NOT NULL,
            skipped BIGINT NOT NULL DEFAULT 0
        ) WITH (fillfactor = 50);
        CREATE INDEX executor_by_bucket ON executor (query_id, bucket, started_at);

        CREATE TABLE dead_letter (
            run_id TEXT NOT NULL REFERENCES run,
            query_id TEXT NOT NULL REFERENCES query,
            ordinal BIGINT NOT NULL,
            subscription TEXT NOT NULL,
            bucket BIGINT NOT NULL,
            record_id TEXT NOT NULL,
            execution_id TEXT NOT NULL,
            correlation_id TEXT NOT NULL,
            error_type TEXT NOT NULL,
            error TEXT NOT NULL,
            attempts BIGINT NOT NULL,
            payload TEXT NOT NULL,
            created_at BIGINT NOT NULL,
            failed_in TEXT,
            discarded_at BIGINT,
            discarded_by TEXT,
            PRIMARY KEY (run_id, query_id, ordinal, subscription)
        );
        CREATE INDEX dead_letter_by_ordinal ON dead_letter (query_id, ordinal);

        CREATE TABLE record_origin (
            query_id TEXT NOT NULL REFERENCES query,
            ordinal BIGINT NOT NULL,
            origin_ordinal BIGINT NOT NULL,
            PRIMARY KEY (query_id, ordinal)
        );
        CREATE INDEX record_origin_by_origin ON record_origin (query_id, origin_ordinal);

        CREATE TABLE lagging (
            query_id TEXT NOT NULL REFERENCES query,
            subscription TEXT NOT NULL,
            first_ordinal BIGINT NOT NULL,
            end_ordinal BIGINT NOT NULL,
            PRIMARY KEY (query_id, subscription, first_ordinal)
        );

        CREATE TABLE run_event (
            number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            run_id TEXT NOT NULL REFERENCES run,
            at BIGINT NOT NULL,
            kind TEXT NOT NULL,
            person TEXT,
            text TEXT NOT NULL
        );
        CREATE INDEX run_event_by_run ON run_event (run_id, number);

        """

    /// What the views and the statements of `queries/` take from SQLite.
    private static let functions = """
        CREATE FUNCTION max(bigint, bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT greatest($1, $2)';
        CREATE FUNCTION round(double precision, integer) RETURNS double precision IMMUTABLE LANGUAGE sql
            AS 'SELECT round($1::numeric, $2)::double precision';
        CREATE FUNCTION instr(text, text) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT strpos($1, $2)';
        CREATE FUNCTION json_extract(text, text) RETURNS text IMMUTABLE LANGUAGE sql
            AS $$SELECT $1::jsonb #>> string_to_array(substr($2, 3), '.')$$;
        CREATE FUNCTION julianday(text) RETURNS double precision STABLE LANGUAGE sql
            AS 'SELECT extract(epoch FROM $1::timestamptz)::double precision / 86400 + 2440587.5';
        CREATE AGGREGATE total(double precision) (sfunc = float8pl, stype = double precision, initcond = '0');

        """
}
