-- name: drill_facts
-- How much there is of what matters.
SELECT (SELECT count(*) FROM incidents) AS incidents, (SELECT count(*) FROM reports) AS reports,
       (SELECT count(*) FROM journal) AS events, (SELECT count(*) FROM people) AS people;

-- name: begin_drill
-- Notes a drill, in a transaction after the moment that is brought back: that is how the log knows where to stop.
INSERT INTO drills (until) VALUES ($1);

-- name: settle_drill
-- Notes how a drill ended.
UPDATE drills SET seconds = $2, proven = $3 WHERE until = $1;

-- name: last_proof
-- The last moment that a drill brought back.
SELECT max(until) FROM drills WHERE proven;

-- name: log_place
-- How far the log is written.
SELECT pg_current_wal_lsn();

-- name: log_is_copied
-- Tells whether the log is copied elsewhere as far as $1.
SELECT EXISTS (SELECT FROM pg_stat_replication
               WHERE application_name = 'pg_receivewal' AND flush_lsn >= $1::pg_lsn);

-- name: last_event
-- When the last event was written.
SELECT recorded_at FROM journal ORDER BY id DESC LIMIT 1;
