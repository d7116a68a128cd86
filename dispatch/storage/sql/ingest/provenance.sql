-- name: journal_links
-- Returns, for those of the events that the journal has, their hash and that of the event before.
-- OFFSET 0 makes it one lookup per event: in a free join, a plan made while the journal was empty reads all of it.
SELECT j.event_id, j.prev_hash, j.hash
FROM unnest($1::uuid[], $2::timestamptz[], $3::smallint[]) AS claimed (event_id, recorded_at, bucket)
CROSS JOIN LATERAL (
    SELECT event_id, prev_hash, hash FROM journal
    WHERE recorded_at = claimed.recorded_at AND bucket = claimed.bucket AND event_id = claimed.event_id OFFSET 0
) AS j;
