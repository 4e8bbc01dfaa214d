/// The views of `backfill.sqlite` that are documented for people with `sqlite3`.
enum RunStoreViews {
    static let sql = """
        CREATE VIEW bucket_progress AS
        SELECT q.run_id, q.query_id, q.name AS query, q.position, q.kind, b.number AS bucket, b.state,
               -- Of records that are read directly there may come to be more or fewer than planned; how many there are, its end tells.
               CASE b.state WHEN 'complete' THEN b.next_ordinal - b.first_ordinal - b.skipped
                    ELSE max(b.end_ordinal - b.first_ordinal, b.next_ordinal - b.first_ordinal - b.skipped) END AS records,
               b.planned,
               b.next_ordinal - b.first_ordinal - b.skipped - b.dead_lettered AS published,
               b.dead_lettered,
               CASE b.state WHEN 'complete' THEN 100.0
                    ELSE coalesce(round(100.0 * (b.next_ordinal - b.first_ordinal - b.skipped)
                               / nullif(max(b.end_ordinal - b.first_ordinal, b.next_ordinal - b.first_ordinal - b.skipped), 0), 2), 0.0)
                    END AS per_cent,
               b.first_ordinal, b.next_ordinal, b.end_ordinal, b.batches, b.retries, b.redeliveries,
               b.execution_id,
               (SELECT count(*) FROM executor e WHERE e.query_id = b.query_id AND e.bucket = b.number) AS executions,
               b.waiting, b.error, b.started_at, b.updated_at, b.finished_at
        FROM bucket b JOIN query q USING (query_id);

        CREATE VIEW query_progress AS
        SELECT q.run_id, q.query_id, q.name AS query, q.position, q.lane, q.kind, q.subscription, q.state,
               q.extracted_count AS extracted,
               CASE WHEN q.kind = 'superseded' THEN CAST(total(p.published) AS BIGINT)
                    WHEN q.direct IS NOT NULL THEN CAST(total(p.records) AS BIGINT) ELSE q.record_count END AS records,
               CASE WHEN q.direct IS NOT NULL THEN q.record_count END AS planned,
               total(p.published) AS published,
               CASE q.kind WHEN 'superseded' THEN 0.0 ELSE total(p.dead_lettered) END AS dead_lettered,
               CASE WHEN q.state = 'complete' AND q.direct IS NOT NULL THEN 100.0
                    WHEN q.record_count > 0
                    THEN coalesce(round(100.0 * (total(p.published) + total(p.dead_lettered))
                                        / nullif(CASE WHEN q.direct IS NULL THEN q.record_count ELSE total(p.records) END, 0), 2), 100.0)
                    WHEN q.record_count = 0 THEN 100.0 ELSE 0.0 END AS per_cent,
               q.bucket_count AS buckets,
               count(CASE p.state WHEN 'complete' THEN 1 END) AS buckets_complete,
               count(CASE p.state WHEN 'failed' THEN 1 END) AS buckets_failed,
               total(p.retries) AS retries, total(p.redeliveries) AS redeliveries,
               q.started_at, q.finished_at, q.error
        FROM query q LEFT JOIN bucket_progress p USING (query_id)
        GROUP BY q.query_id;

        CREATE VIEW run_progress AS
        -- Redrives and repairs are counted where their records come from.
        SELECT r.run_id, r.name, r.state, r.pass,
               sum(q.records) AS records, sum(q.planned) AS planned, CAST(total(q.published) AS BIGINT) AS published,
               CAST(total(q.dead_lettered) AS BIGINT) AS dead_lettered,
               CAST(total(q.extracted) AS BIGINT) AS extracted,
               count(*) AS queries, CAST(total(q.buckets) AS BIGINT) AS buckets,
               CAST(total(q.buckets_complete) AS BIGINT) AS buckets_complete,
               CAST(total(q.buckets_failed) AS BIGINT) AS buckets_failed,
               count(CASE q.state WHEN 'failed' THEN 1 END) AS queries_failed,
               CAST(total(q.retries) AS BIGINT) AS retries,
               CAST(total(q.redeliveries) AS BIGINT) AS redeliveries,
               count(CASE WHEN q.records IS NULL THEN 1 END) AS queries_not_counted,
               r.created_at, r.finished_at, r.error, r.canary, r.forecast_seconds,
               (SELECT count(*) FROM dead_letter d WHERE d.run_id = r.run_id AND d.discarded_at IS NULL) AS dead_letters,
               (SELECT max(b.finished_at) - min(b.finished_at) FROM bucket b JOIN query k USING (query_id)
                WHERE k.run_id = r.run_id AND k.kind = 'query') AS bucket_spread,
               r.waiting, r.waiting_since,
               json_extract(r.control, '$.paused.by') AS paused_by, CAST(json_extract(r.control, '$.paused.at') AS BIGINT) AS paused_at
        FROM run r JOIN query_progress q ON q.run_id = r.run_id AND q.kind IN ('query', 'superseded')
        GROUP BY r.run_id;

        CREATE VIEW executor_progress AS
        SELECT q.run_id, q.name AS query, e.query_id, e.bucket, e.execution_id,
               row_number() OVER (PARTITION BY e.query_id, e.bucket ORDER BY e.first_ordinal, e.started_at, e.execution_id) AS link,
               e.next_ordinal - e.first_ordinal - e.skipped AS settled, e.first_ordinal, e.next_ordinal, e.batches,
               e.started_at, e.updated_at
        FROM executor e JOIN query q USING (query_id);
        """
}
