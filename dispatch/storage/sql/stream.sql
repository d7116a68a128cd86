-- The stream: the journal in the order in which its transactions are visible to everybody.

-- name: read_stream
-- What an organisation's stream says after a place, and the horizon below which nothing will ever be added.
-- A transaction below the horizon is over; above it, one that began earlier may still commit: it would be skipped.
SELECT horizon.xid AS horizon, entry.*
FROM (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xid) AS horizon
LEFT JOIN LATERAL (
    SELECT xid, id, event_id, type, topic, mode, seq, key, body
    FROM journal
    WHERE (xid, id) > ($2::xid8, $3::bigint) AND xid < horizon.xid
      AND organisation = $1 AND topic = ANY ($4::text[]) AND mode = ANY ($5::text[])
    ORDER BY xid, id
    LIMIT $6
) AS entry ON true
ORDER BY entry.xid, entry.id;

-- name: stream_horizon
-- The place below which nothing will ever be added: where the stream is now.
SELECT pg_snapshot_xmin(pg_current_snapshot());

-- name: current_epoch
-- The epoch in force; nothing where this database was restored, promoted or copied since.
SELECT number FROM (SELECT number, home FROM epochs ORDER BY number DESC LIMIT 1) AS latest
WHERE home = stream_home();

-- name: lock_epochs
-- Lets one session begin an epoch, however long the journal is.
SELECT set_config('statement_timeout', '0', true), pg_advisory_xact_lock(7303, 0);

-- name: renumber_journal
-- Brings events whose transactions this server has not reached yet below the horizon to come, in their order.
UPDATE journal SET xid = pg_current_xact_id() WHERE xid >= pg_snapshot_xmin(pg_current_snapshot());

-- name: begin_epoch
-- Begins an epoch and returns its number.
INSERT INTO epochs (home, began_at, known_until)
VALUES (stream_home(), $1, (SELECT max(recorded_at) FROM journal)) RETURNING number;

-- name: forgotten_times
-- The times of which this database may have forgotten events, in epochs that began since $1.
-- A minute more than there is a gap: transactions end in another order than they begin.
SELECT known_until - interval '1 minute' AS after, began_at AS before FROM epochs
WHERE began_at > $1 AND known_until IS NOT NULL;

-- name: events_written
-- Of events, those that the journal has, with their bytes as they were written.
-- OFFSET 0 has each looked up by itself: joined freely, a plan from when the journal was empty reads all of it.
SELECT j.event_id, j.headers, j.body
FROM unnest($1::uuid[], $2::timestamptz[], $3::smallint[]) AS heard (event_id, recorded_at, bucket)
CROSS JOIN LATERAL (
    SELECT event_id, headers, body FROM journal
    WHERE recorded_at = heard.recorded_at AND bucket = heard.bucket AND event_id = heard.event_id OFFSET 0
) AS j;

-- name: stream_back
-- The place so many events of an organisation back from the last one; nothing where there are not so many.
SELECT xid, id FROM journal
WHERE organisation = $1 AND topic = ANY ($2::text[])
ORDER BY xid DESC, id DESC OFFSET $3 LIMIT 1;
