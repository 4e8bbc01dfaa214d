-- How far the runs are: one row a run, newest first. `backfill stats` prints these very figures.
--
--   sqlite3 -box .backfill/backfill.sqlite < queries/progress.sql
--
-- For one run only:  sqlite3 -box -cmd ".parameter set :run 'ID'" .backfill/backfill.sqlite < queries/progress.sql
--
-- rate_now is taken from the last ten seconds of samples, and is 0 when nothing was settled for that long; rate_mean leaves out the
-- time in which no process worked on the run. Both are records a second, times are milliseconds since 1970.
WITH moment(now) AS (
    SELECT coalesce(:now, CAST((julianday('now') - 2440587.5) * 86400000 AS BIGINT))
),
newest AS (
    SELECT run_id, max(at) AS at, max(settled) AS settled FROM rate_sample GROUP BY run_id
),
window_start AS (
    SELECT n.run_id, n.at AS end_at, n.settled AS end_settled, min(s.at) AS start_at, min(s.settled) AS start_settled
    FROM newest n JOIN rate_sample s ON s.run_id = n.run_id AND s.at >= n.at - 10000
    GROUP BY n.run_id, n.at, n.settled
),
worked AS (
    SELECT run_id, sum(last_seen_at - started_at) / 1000.0 AS seconds FROM run_process GROUP BY run_id
),
rates AS (
    SELECT p.run_id,
           CASE WHEN p.state = 'running' AND w.end_at > w.start_at AND w.end_at > (SELECT now FROM moment) - 10000
                THEN (w.end_settled - w.start_settled) * 1000.0 / (w.end_at - w.start_at) ELSE 0.0 END AS rate_now,
           CASE WHEN k.seconds > 0 THEN (p.published + p.dead_lettered) / k.seconds ELSE 0.0 END AS rate_mean,
           coalesce(k.seconds, 0.0) AS seconds_worked
    FROM run_progress p LEFT JOIN window_start w USING (run_id) LEFT JOIN worked k USING (run_id)
)
SELECT p.run_id, p.name, p.state, p.pass, p.records, p.planned, p.published, p.dead_lettered,
       CASE WHEN p.queries_not_counted > 0 THEN NULL
            WHEN p.records = 0 THEN 100.0
            ELSE round(100.0 * (p.published + p.dead_lettered) / p.records, 2) END AS per_cent,
       round(r.rate_now, 1) AS rate_now, round(r.rate_mean, 1) AS rate_mean,
       CASE WHEN p.state <> 'running' OR p.queries_not_counted > 0 THEN NULL
            WHEN r.rate_now > 0 THEN round((p.records - p.published - p.dead_lettered) / r.rate_now, 1)
            END AS seconds_left,
       round(r.seconds_worked, 3) AS seconds_worked, p.extracted, p.queries, p.queries_failed,
       p.buckets, p.buckets_complete, p.buckets_failed, p.retries, p.redeliveries, p.created_at, p.finished_at, p.error,
       p.waiting, p.waiting_since, p.paused_by, p.paused_at, p.dead_letters, p.canary, p.forecast_seconds,
       p.bucket_spread / 1000.0 AS bucket_spread_seconds
FROM run_progress p JOIN rates r USING (run_id)
WHERE p.run_id = :run OR :run IS NULL
ORDER BY p.created_at DESC, p.run_id DESC;
