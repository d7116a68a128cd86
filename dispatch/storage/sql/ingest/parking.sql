-- name: park
-- Stores records that could not be handled, and returns the ids of those that were not stored already.
INSERT INTO parking (id, organisation, source_topic, source, consumer, reason, key, headers, body, digest, parked_at)
SELECT id, organisation, :topic, source, :consumer, reason, key, headers, body,
       parking_digest(key, headers, body) AS digest, :parked_at
FROM unnest(:id::uuid[], :organisation::uuid[], :source::text[], :reason::text[], :key::bytea[], :headers::bytea[],
            :body::bytea[])
     AS item (id, organisation, source, reason, key, headers, body)
ORDER BY digest
ON CONFLICT DO NOTHING
RETURNING id;
