-- name: database_time
-- The one query that may read the database's clock.
SELECT clock_timestamp();

-- name: ping
-- Answers.
SELECT 1;
