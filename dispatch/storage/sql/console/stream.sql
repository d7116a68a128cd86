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

-- name: stream_back
-- The place so many events of an organisation back from the last one; nothing where there are not so many.
SELECT xid, id FROM journal
WHERE organisation = $1 AND topic = ANY ($2::text[])
ORDER BY xid DESC, id DESC OFFSET $3 LIMIT 1;
