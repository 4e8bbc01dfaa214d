-- The chain of executions of each executor (of one run when :run is set): one row an execution, oldest first.
SELECT run_id, query, query_id, bucket, link, execution_id, settled, first_ordinal, next_ordinal, batches, started_at, updated_at
FROM executor_progress
WHERE run_id = :run OR :run IS NULL
ORDER BY run_id DESC, query, bucket, link;
