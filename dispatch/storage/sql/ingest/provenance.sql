-- name: events_written
-- Of events, those that the journal has, with their bytes as they were written.
-- OFFSET 0 has each looked up by itself: joined freely, a plan from when the journal was empty reads all of it.
SELECT j.event_id, j.headers, j.body
FROM unnest($1::uuid[], $2::timestamptz[], $3::smallint[]) AS heard (event_id, recorded_at, bucket)
CROSS JOIN LATERAL (
    SELECT event_id, headers, body FROM journal
    WHERE recorded_at = heard.recorded_at AND bucket = heard.bucket AND event_id = heard.event_id OFFSET 0
) AS j;
