-- name: read_stream
-- Returns an organisation's events after a cursor, and the horizon below which no event will ever be added.
-- Every transaction below the horizon has ended; above it, one that began earlier may still commit, and its events
-- would be skipped.
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
-- Returns the transaction id below which no event will ever be added: the present end of the stream.
SELECT pg_snapshot_xmin(pg_current_snapshot());
