-- How far each query of the runs is (of one run when :run is set), in the spec's order.
SELECT run_id, query_id, query, lane, kind, subscription, state, extracted, records, planned,
       CAST(published AS BIGINT) AS published, CAST(dead_lettered AS BIGINT) AS dead_lettered, per_cent,
       buckets, buckets_complete, buckets_failed, CAST(retries AS BIGINT) AS retries,
       CAST(redeliveries AS BIGINT) AS redeliveries, started_at, finished_at, error
FROM query_progress
WHERE run_id = :run OR :run IS NULL
ORDER BY run_id DESC, position;
