-- name: events_written
-- Returns those of the events that the journal has, with their bytes as they were written.
-- OFFSET 0 makes it one lookup per event: in a free join, a plan made while the journal was empty reads all of it.
SELECT j.event_id, j.headers, j.body
FROM unnest($1::uuid[], $2::timestamptz[], $3::smallint[]) AS claimed (event_id, recorded_at, bucket)
CROSS JOIN LATERAL (
    SELECT event_id, headers, body FROM journal
    WHERE recorded_at = claimed.recorded_at AND bucket = claimed.bucket AND event_id = claimed.event_id OFFSET 0
) AS j;
