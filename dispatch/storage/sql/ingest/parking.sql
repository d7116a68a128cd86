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

-- name: count_unresolved_parking
-- Counts the unresolved records that a consumer has parked from a topic, for each of these reasons.
SELECT reason, count(*) FROM parking
WHERE consumer = $1 AND source_topic = $2 AND reason = ANY ($3::text[]) AND settled_at IS NULL GROUP BY reason;
