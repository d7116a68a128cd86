-- Expired rows. Each query erases up to $3 rows that expired before $1; a query that reads by key starts at the key $2.
-- It returns their number, and the key to continue from: null at the end. Rows locked by others are erased in the next run.
-- Rows are deleted by ctid: even a plan that was made for an empty table then never reads all of a full one.
-- Rows of a running incident stay; its end is read row by row, since a join could read all incidents.

-- name: try_lock_retention
-- Tries to acquire the lock of the retention job and returns whether it did; held until unlocked or disconnected.
SELECT pg_try_advisory_lock(7304, 0);

-- name: unlock_retention
-- Releases the lock, so that another session may erase.
SELECT pg_advisory_unlock(7304, 0);

-- name: expire_positions
-- Erases old live positions, those that processes of 0.1.0 wrote included; read by key, since an index on their time would slow every update of a position.
WITH page AS (
    (SELECT DISTINCT volunteer_id FROM member_positions
     WHERE kind = 'live' AND volunteer_id > $2 ORDER BY volunteer_id LIMIT $3)
    UNION
    (SELECT volunteer_id FROM positions WHERE kind = 'live' AND volunteer_id > $2 ORDER BY volunteer_id LIMIT $3)
    ORDER BY volunteer_id LIMIT $3
), gone_before AS (
    DELETE FROM positions WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM positions
        WHERE volunteer_id = ANY (ARRAY(SELECT volunteer_id FROM page)) AND kind = 'live' AND recorded_at < $1
        FOR UPDATE SKIP LOCKED))
), gone AS (
    DELETE FROM member_positions WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM member_positions
        WHERE volunteer_id = ANY (ARRAY(SELECT volunteer_id FROM page)) AND kind = 'live' AND recorded_at < $1
        FOR UPDATE SKIP LOCKED))
    RETURNING 1
)
SELECT (SELECT count(*) FROM gone) AS erased, (SELECT volunteer_id FROM page ORDER BY 1 OFFSET $3 - 1) AS place;

-- name: expire_report_texts
-- Erases the texts of reports whose incident has ended, or that never became one; read by key, as they have no time.
WITH page AS (
    SELECT report_id FROM report_texts WHERE report_id > $2 ORDER BY report_id LIMIT $3
), gone AS (
    DELETE FROM report_texts WHERE ctid = ANY (ARRAY(
        SELECT t.ctid FROM report_texts t
        WHERE t.report_id = ANY (ARRAY(SELECT report_id FROM page))
          AND (SELECT r.received_at < $1 AND (r.incident_id IS NULL OR i.ended_at < $1)
               FROM reports r LEFT JOIN incidents i ON i.id = r.incident_id WHERE r.id = t.report_id)
        FOR UPDATE SKIP LOCKED))
    RETURNING 1
)
SELECT (SELECT count(*) FROM gone) AS erased, (SELECT report_id FROM page ORDER BY 1 OFFSET $3 - 1) AS place;

-- name: expire_inbound_texts
-- Erases the texts that volunteers sent.
WITH gone AS (
    DELETE FROM inbound_texts WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM inbound_texts WHERE received_at < $1
        ORDER BY received_at LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING 1
)
SELECT count(*) AS erased, CASE WHEN count(*) = $3 THEN $2::uuid END AS place FROM gone;

-- name: expire_parking
-- Erases parked messages that were resolved.
WITH gone AS (
    DELETE FROM parking WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM parking WHERE settled_at < $1 ORDER BY settled_at LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING 1
)
SELECT count(*) AS erased, CASE WHEN count(*) = $3 THEN $2::uuid END AS place FROM gone;

-- name: expire_rounds
-- Erases search rounds: the reasons for which volunteers were or were not asked.
WITH gone AS (
    DELETE FROM rounds WHERE ctid = ANY (ARRAY(
        SELECT r.ctid FROM rounds r
        WHERE r.at < $1 AND (SELECT i.ended_at FROM incidents i WHERE i.id = r.incident_id) < $1
        ORDER BY r.at LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING 1
)
SELECT count(*) AS erased, CASE WHEN count(*) = $3 THEN $2::uuid END AS place FROM gone;

-- name: expire_messages
-- Erases messages that were sent, failed or skipped.
WITH gone AS (
    DELETE FROM messages WHERE ctid = ANY (ARRAY(
        SELECT m.ctid FROM messages m
        WHERE m.created_at < $1 AND m.status IN ('sent', 'delivered', 'failed', 'skipped')
          AND (m.incident_id IS NULL OR (SELECT i.ended_at FROM incidents i WHERE i.id = m.incident_id) < $1)
        ORDER BY m.created_at LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING 1
)
SELECT count(*) AS erased, CASE WHEN count(*) = $3 THEN $2::uuid END AS place FROM gone;

-- name: expire_replies
-- Erases answers that were processed.
WITH gone AS (
    DELETE FROM replies WHERE ctid = ANY (ARRAY(
        SELECT r.ctid FROM replies r
        WHERE r.received_at < $1 AND r.processed_at IS NOT NULL
          AND (SELECT i.ended_at FROM incidents i WHERE i.id = r.incident_id) < $1
        ORDER BY r.received_at LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING 1
)
SELECT count(*) AS erased, CASE WHEN count(*) = $3 THEN $2::uuid END AS place FROM gone;

-- name: expire_tokens
-- Erases tokens that are no longer valid.
WITH gone AS (
    DELETE FROM tokens WHERE ctid = ANY (ARRAY(
        SELECT t.ctid FROM tokens t
        WHERE t.created_at < $1
          AND (SELECT i.ended_at FROM offers o JOIN incidents i ON i.id = o.incident_id WHERE o.id = t.offer_id) < $1
        ORDER BY t.created_at LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING 1
)
SELECT count(*) AS erased, CASE WHEN count(*) = $3 THEN $2::uuid END AS place FROM gone;

-- name: expire_idempotency_keys
-- Erases the stored responses of requests that are not sent again.
WITH gone AS (
    DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM idempotency_keys WHERE created_at < $1
        ORDER BY created_at LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING 1
)
SELECT count(*) AS erased, CASE WHEN count(*) = $3 THEN $2::uuid END AS place FROM gone;

-- name: expire_acting_contacts
-- Erases the names of duty contacts whose last act is long ago.
WITH gone AS (
    DELETE FROM acting_contacts WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM acting_contacts WHERE acted_at < $1 ORDER BY acted_at LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING 1
)
SELECT count(*) AS erased, CASE WHEN count(*) = $3 THEN $2::uuid END AS place FROM gone;

-- name: expire_api_keys
-- Erases keys that were revoked.
WITH gone AS (
    DELETE FROM api_keys WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM api_keys WHERE revoked_at < $1 ORDER BY revoked_at LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING 1
)
SELECT count(*) AS erased, CASE WHEN count(*) = $3 THEN $2::uuid END AS place FROM gone;

-- name: expire_inbox
-- Erases the inbox rows of events that no topic can deliver again.
WITH gone AS (
    DELETE FROM inbox WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM inbox WHERE received_at < $1 ORDER BY received_at LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING 1
)
SELECT count(*) AS erased, CASE WHEN count(*) = $3 THEN $2::uuid END AS place FROM gone;

-- name: expire_processes
-- Erases the rows of processes that no longer run.
WITH gone AS (
    DELETE FROM processes WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM processes WHERE seen_at < $1 ORDER BY seen_at LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING 1
)
SELECT count(*) AS erased, CASE WHEN count(*) = $3 THEN $2::uuid END AS place FROM gone;

-- name: record_retention_run
-- Records a run on a table, with the number of erased rows.
INSERT INTO retention_runs AS run (name, ran_at, erased, total) VALUES ($1, $2, $3, $3)
ON CONFLICT (name) DO UPDATE
SET ran_at = excluded.ran_at, erased = excluded.erased, total = run.total + excluded.erased;

-- name: retention_runs
-- Returns the last run on each table, with the numbers of rows erased by it and by all runs.
SELECT name, ran_at, erased, total FROM retention_runs ORDER BY name;
