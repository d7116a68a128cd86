-- name: list_parking
-- Returns parked messages without their bytes, the latest first; if $2, also the resolved ones.
SELECT id, parked_at, source_topic, source, consumer, organisation, reason, octet_length(body) AS size, settled_at,
       outcome, settled_by, because
FROM parking WHERE settled_at IS NULL OR $2 ORDER BY parked_at DESC, id LIMIT $1;

-- name: count_parking
-- Counts the parked messages; if $1, also the resolved ones.
SELECT count(*) FROM parking WHERE settled_at IS NULL OR $1;

-- name: show_parking
-- Returns one parked message with its bytes.
SELECT id, parked_at, source_topic, source, consumer, organisation, reason, key, headers, body, settled_at, outcome,
       settled_by, because
FROM parking WHERE id = $1;

-- name: unresolved_parking
-- Returns unresolved messages, the oldest first: of the topic $1 and with the text $2 in the reason, if not null.
SELECT id FROM parking
WHERE settled_at IS NULL AND ($1::text IS NULL OR source_topic = $1)
  AND ($2::text IS NULL OR strpos(lower(reason), lower($2)) > 0)
ORDER BY parked_at, id;

-- name: lock_parking
-- Locks one parked message and returns it.
SELECT consumer, source_topic, key, headers, body, reason, parked_at, settled_at, outcome, settled_by
FROM parking WHERE id = $1 FOR UPDATE;

-- name: resolve_parking
-- Records the resolution of a parked message, with its author, reason and time, and erases its bytes.
UPDATE parking SET outcome = $2, settled_by = $3, because = $4, settled_at = $5, key = NULL, headers = '[]', body = NULL
WHERE id = $1;

-- name: record_refusal
-- Records the reason for which a parked message was rejected again.
UPDATE parking SET reason = $2 WHERE id = $1;

-- name: events_of_this_transaction
-- Returns the events that this transaction has written to the journal, in order.
SELECT stream, type FROM journal WHERE xid = pg_current_xact_id() ORDER BY id;
