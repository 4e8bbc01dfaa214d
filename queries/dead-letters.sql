-- The dead letters (of one run when :run is set): what was refused, by which subscription, and why.
SELECT d.run_id, q.name AS query, d.bucket, d.ordinal, d.record_id, d.subscription, d.correlation_id,
       d.error_type, d.error, d.attempts, d.payload, d.created_at
FROM dead_letter d JOIN query q USING (query_id)
WHERE d.run_id = :run OR :run IS NULL
ORDER BY d.run_id DESC, q.position, d.ordinal, d.subscription;
