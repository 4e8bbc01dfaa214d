-- How far each bucket is (of one run when :run is set). `waiting` says why a bucket stands still, `error` what failed last.
SELECT run_id, query, query_id, bucket, state, records, planned, published, dead_lettered, per_cent,
       first_ordinal, next_ordinal, end_ordinal, batches, retries, redeliveries, executions, execution_id,
       waiting, error, started_at, updated_at, finished_at
FROM bucket_progress
WHERE run_id = :run OR :run IS NULL
ORDER BY run_id DESC, position, bucket;
