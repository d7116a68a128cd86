-- name: list_parking
-- What could not be understood, the latest first, without its bytes; with $2 also what has been seen to.
SELECT id, parked_at, source_topic, source, consumer, organisation, reason, octet_length(body) AS size, settled_at,
       outcome, settled_by, because
FROM parking WHERE settled_at IS NULL OR $2 ORDER BY parked_at DESC, id LIMIT $1;

-- name: show_parking
-- One parked message, with its bytes.
SELECT id, parked_at, source_topic, source, consumer, organisation, reason, key, headers, body, settled_at, outcome,
       settled_by, because
FROM parking WHERE id = $1;

-- name: select_parking
-- What nobody has seen to, of a topic ($1) and with words in its reason ($2) where they are given, the oldest first.
SELECT id FROM parking
WHERE settled_at IS NULL AND ($1::text IS NULL OR source_topic = $1)
  AND ($2::text IS NULL OR strpos(lower(reason), lower($2)) > 0)
ORDER BY parked_at, id;

-- name: lock_parking
-- Locks one parked message and returns it.
SELECT consumer, source_topic, key, headers, body, reason, parked_at, settled_at, outcome, settled_by
FROM parking WHERE id = $1 FOR UPDATE;

-- name: settle_parking
-- Notes what became of a parked message, who decided it, why and when; its bytes are erased.
UPDATE parking SET outcome = $2, settled_by = $3, because = $4, settled_at = $5, key = NULL, headers = '[]', body = NULL
WHERE id = $1;

-- name: refuse_parking
-- Notes why a parked message was refused again.
UPDATE parking SET reason = $2 WHERE id = $1;

-- name: written_here
-- What this transaction has written to the journal, in order.
SELECT stream, type FROM journal WHERE xid = pg_current_xact_id() ORDER BY id;
