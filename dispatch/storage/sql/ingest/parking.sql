-- name: park
-- Keeps what could not be understood, and returns the ids of what was not kept already.
INSERT INTO parking (id, organisation, source_topic, source, consumer, reason, key, headers, body, digest, parked_at)
SELECT id, organisation, $2, source, $1, reason, key, headers, body, parking_digest(key, headers, body) AS digest, $10
FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::bytea[], $8::bytea[], $9::bytea[])
     AS item (id, organisation, source, reason, key, headers, body)
ORDER BY digest
ON CONFLICT DO NOTHING
RETURNING id;
