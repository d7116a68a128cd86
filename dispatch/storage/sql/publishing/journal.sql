-- name: journal_heads
-- Returns the last sequence number and hash of each stream that has events.
SELECT asked.stream, head.seq, head.hash
FROM unnest($1::uuid[]) AS asked (stream)
CROSS JOIN LATERAL (
    SELECT seq, hash FROM journal WHERE journal.stream = asked.stream ORDER BY seq DESC LIMIT 1
) AS head;

-- name: append_journal
-- Writes events and their outbox rows in the given order; a sequence number that is used already violates a unique index.
-- RETURNING has the columns of the journal alone, so the rank of each event is joined by stream and sequence number.
WITH written AS (
    INSERT INTO journal (stream, seq, event_id, organisation, mode, topic, type, bucket, key, headers, body,
                         prev_hash, hash, recorded_at)
    SELECT stream, seq, event_id, organisation, mode, topic, type, bucket, key, headers, body, prev_hash, hash,
           :recorded_at
    FROM unnest(:stream::uuid[], :seq::int[], :event_id::uuid[], :organisation::uuid[], :mode::text[], :topic::text[],
                :type::text[], :bucket::smallint[], :key::bytea[], :headers::bytea[], :body::bytea[],
                :prev_hash::bytea[], :hash::bytea[])
         WITH ORDINALITY AS entry (stream, seq, event_id, organisation, mode, topic, type, bucket, key, headers, body,
                                   prev_hash, hash, place)
    ORDER BY place
    RETURNING id, bucket, stream, seq
)
INSERT INTO outbox (bucket, position, rank)
SELECT bucket, id, rank
FROM written JOIN unnest(:stream::uuid[], :seq::int[], :rank::smallint[]) AS entry (stream, seq, rank) USING (stream, seq)
ORDER BY id;

-- name: raise_outbox_rank
-- Raises the rank of the unpublished events of these streams.
UPDATE outbox o SET rank = r.rank
FROM unnest($1::uuid[], $2::smallint[]) AS r (stream, rank) JOIN journal j ON j.stream = r.stream
WHERE o.position = j.id AND o.rank > r.rank;

-- name: read_streams
-- Returns the events of streams, each stream in its order.
SELECT stream, seq, type, headers, body, recorded_at FROM journal WHERE stream = ANY($1::uuid[]) ORDER BY stream, seq;

-- name: journal_chain
-- Returns the events of one stream, or of all if it is null, with the bytes under the hash, each stream in its order.
SELECT id, stream, seq, event_id, organisation, mode, topic, type, bucket, key, headers, body, prev_hash, hash,
       recorded_at
FROM journal
WHERE $1::uuid IS NULL OR stream = $1
ORDER BY stream, seq;
