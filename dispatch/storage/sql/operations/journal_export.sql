-- name: streams_of_incident
-- The streams that tell an incident's whole story: its own, its reports, its replies and its messages.
-- The last two are read from the journal itself, since their rows are erased in time; a body may be no JSON any more.
SELECT $1::uuid AS stream
UNION
SELECT id FROM reports WHERE incident_id = $1
UNION
SELECT stream FROM journal
WHERE recorded_at >= (SELECT min(recorded_at) FROM journal WHERE stream = $1)
  AND topic IN ('volunteer.replies', 'notification.events')
  AND position(convert_to('"incident_id":"' || $1::text || '"', 'UTF8') IN body) > 0;

-- name: export_journal
-- Events in the order in which they were written, of some streams ($1), an organisation ($2), since $3, before $4.
SELECT stream, seq, topic, key, headers, body, prev_hash, hash FROM journal
WHERE ($1::uuid[] IS NULL OR stream = ANY ($1)) AND ($2::uuid IS NULL OR organisation = $2)
  AND ($3::timestamptz IS NULL OR recorded_at >= $3) AND ($4::timestamptz IS NULL OR recorded_at < $4)
ORDER BY id;
