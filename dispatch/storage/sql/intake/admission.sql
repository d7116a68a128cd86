-- name: count_backlog
-- Counts, no further than $3, what came since $1 and has waited for its turn since before $2.
SELECT count(*) FROM (SELECT FROM backlog WHERE since > $1 AND since <= $2 LIMIT $3) AS waiting;
