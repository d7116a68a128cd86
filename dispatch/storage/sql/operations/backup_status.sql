-- name: drill_row_counts
-- Returns the row counts by which a restored database is compared with the original.
SELECT (SELECT count(*) FROM incidents) AS incidents, (SELECT count(*) FROM reports) AS reports,
       (SELECT count(*) FROM journal) AS events, (SELECT count(DISTINCT volunteer_id) FROM memberships) AS people;

-- name: record_drill
-- Records a drill, in a transaction after the restored moment, at which the recovery stops.
INSERT INTO drills (until) VALUES ($1);

-- name: record_drill_result
-- Records the duration of a drill and whether it was proven.
UPDATE drills SET seconds = $2, proven = $3 WHERE until = $1;

-- name: last_proven_drill
-- Returns the latest moment to which a drill restored the database completely.
SELECT max(until) FROM drills WHERE proven;

-- name: wal_position
-- Returns the position up to which the write-ahead log is written.
SELECT pg_current_wal_lsn();

-- name: wal_is_copied
-- Returns whether the write-ahead log is copied elsewhere up to $1.
SELECT EXISTS (SELECT FROM pg_stat_replication
               WHERE application_name = 'pg_receivewal' AND flush_lsn >= $1::pg_lsn);

-- name: last_event_at
-- Returns the time at which the last event was recorded.
SELECT recorded_at FROM journal ORDER BY id DESC LIMIT 1;
