-- name: database_time
-- Returns the time of the database's clock; no other query may read that clock.
SELECT clock_timestamp();

-- name: ping
-- Returns one row, as a check that the server answers.
SELECT 1;
