-- What was kept long enough. Each erases, from place $2 on, up to $3 rows that have been over since before $1.
-- It returns how many, and the place to go on from: nothing at the end. What somebody else has locked comes next time.
-- Rows are deleted by where they are: no plan made for an empty table can make that read all of a full one.
-- Whatever belongs to a running incident stays; its end is asked for row by row, since a join could read all of them.

-- name: try_keep
-- Lets one session at a time erase, until it says that it is done, or ends.
SELECT pg_try_advisory_lock(7304, 0);

-- name: end_keeping
-- Lets the next session erase.
SELECT pg_advisory_unlock(7304, 0);

-- name: expire_positions
-- Erases old live positions; found by key, since an index on their time would burden every move.
WITH page AS (
    SELECT volunteer_id FROM positions WHERE kind = 'live' AND volunteer_id > $2 ORDER BY volunteer_id LIMIT $3
), gone AS (
    DELETE FROM positions WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM positions
        WHERE volunteer_id = ANY (ARRAY(SELECT volunteer_id FROM page)) AND kind = 'live' AND recorded_at < $1
        FOR UPDATE SKIP LOCKED))
    RETURNING 1
)
SELECT (SELECT count(*) FROM gone) AS erased, (SELECT volunteer_id FROM page ORDER BY 1 OFFSET $3 - 1) AS place;

-- name: expire_report_texts
-- Erases the words of reports whose incident is over, or that never became one; found by key, as they have no time.
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
-- Erases texts as received.
WITH gone AS (
    DELETE FROM inbound_texts WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM inbound_texts WHERE received_at < $1
        ORDER BY received_at LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING 1
)
SELECT count(*) AS erased, CASE WHEN count(*) = $3 THEN $2::uuid END AS place FROM gone;

-- name: expire_parking
-- Erases parked messages that somebody settled.
WITH gone AS (
    DELETE FROM parking WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM parking WHERE settled_at < $1 ORDER BY settled_at LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING 1
)
SELECT count(*) AS erased, CASE WHEN count(*) = $3 THEN $2::uuid END AS place FROM gone;

-- name: expire_rounds
-- Erases why volunteers were or were not asked.
WITH gone AS (
    DELETE FROM rounds WHERE ctid = ANY (ARRAY(
        SELECT r.ctid FROM rounds r
        WHERE r.at < $1 AND (SELECT i.ended_at FROM incidents i WHERE i.id = r.incident_id) < $1
        ORDER BY r.at LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING 1
)
SELECT count(*) AS erased, CASE WHEN count(*) = $3 THEN $2::uuid END AS place FROM gone;

-- name: expire_messages
-- Erases messages that are done with.
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
-- Erases answers that were worked.
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
-- Erases tokens that open nothing any more.
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
-- Erases the answers of callers that do not come again.
WITH gone AS (
    DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM idempotency_keys WHERE created_at < $1
        ORDER BY created_at LIMIT $3 FOR UPDATE SKIP LOCKED))
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
-- Erases what consumers took in before any topic can deliver it again.
WITH gone AS (
    DELETE FROM inbox WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM inbox WHERE received_at < $1 ORDER BY received_at LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING 1
)
SELECT count(*) AS erased, CASE WHEN count(*) = $3 THEN $2::uuid END AS place FROM gone;

-- name: note_expired
-- Notes that a table was looked through, and how much was erased.
INSERT INTO retention_runs AS run (name, ran_at, erased, total) VALUES ($1, $2, $3, $3)
ON CONFLICT (name) DO UPDATE
SET ran_at = excluded.ran_at, erased = excluded.erased, total = run.total + excluded.erased;

-- name: retention_runs
-- When each table was looked through last, and how much was erased then and ever.
SELECT name, ran_at, erased, total FROM retention_runs ORDER BY name;
