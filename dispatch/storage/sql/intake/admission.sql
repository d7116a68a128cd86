-- name: count_backlog
-- Counts the reports and events that wait since a moment between $1 and $2; stops counting at $3.
SELECT count(*) FROM (SELECT FROM backlog WHERE since > $1 AND since <= $2 LIMIT $3) AS waiting;
