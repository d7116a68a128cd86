-- name: streams_of_incident
-- Returns the streams of an incident: its own, its reports', its replies' and its messages'.
-- The last two are read from the journal, since their rows are erased in time; a body may no longer be JSON.
SELECT $1::uuid AS stream
UNION
SELECT id FROM reports WHERE incident_id = $1
UNION
SELECT stream FROM journal
WHERE recorded_at >= (SELECT min(recorded_at) FROM journal WHERE stream = $1)
  AND topic IN ('volunteer.replies', 'notification.events')
  AND position(convert_to('"incident_id":"' || $1::text || '"', 'UTF8') IN body) > 0;

-- name: export_journal
-- Returns events in the order in which they were written: of the streams $1, of the organisation $2, from $3, before $4.
SELECT stream, seq, topic, key, headers, body, prev_hash, hash FROM journal
WHERE ($1::uuid[] IS NULL OR stream = ANY ($1)) AND ($2::uuid IS NULL OR organisation = $2)
  AND ($3::timestamptz IS NULL OR recorded_at >= $3) AND ($4::timestamptz IS NULL OR recorded_at < $4)
ORDER BY id;
