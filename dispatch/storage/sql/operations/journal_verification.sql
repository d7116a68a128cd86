-- name: count_journal
-- Returns the number of events, of one stream or, if $1 is null, of all.
SELECT count(*) FROM journal WHERE $1::uuid IS NULL OR stream = $1;

-- name: shortened_streams
-- Returns the streams whose last event is not the one that another table knows: that table, and where they end.
SELECT known.stream, known.known_by, known.least, COALESCE(head.seq, 0) AS seq
FROM (
    SELECT id AS stream, 'incidents' AS known_by, seq AS least, seq AS most FROM incidents
    UNION ALL
    SELECT id, 'reports', 1, NULL FROM reports WHERE channel <> 'topic'
    UNION ALL
    SELECT id, 'replies', 1, NULL FROM replies
    UNION ALL
    SELECT id, 'messages', CASE WHEN status IN ('queued', 'leased') THEN 1 ELSE 2 END, NULL FROM messages
    UNION ALL
    SELECT id, 'parking', 1, NULL FROM parking
    UNION ALL
    SELECT subject_id, 'escalations', count(*), NULL FROM escalations WHERE subject_kind <> 'incident'
    GROUP BY subject_id
) AS known
LEFT JOIN LATERAL (
    SELECT seq FROM journal WHERE journal.stream = known.stream ORDER BY seq DESC LIMIT 1
) AS head ON true
WHERE ($1::uuid IS NULL OR known.stream = $1)
  AND (COALESCE(head.seq, 0) < known.least OR head.seq > known.most)
ORDER BY known.stream, known.known_by
LIMIT $2;

-- name: handled_and_missing
-- Returns the events that the consumers $1 have handled and the journal does not have.
SELECT consumer, event_id, received_at FROM inbox
WHERE consumer = ANY ($1::text[]) AND NOT EXISTS (SELECT FROM journal WHERE journal.event_id = inbox.event_id)
ORDER BY received_at, consumer, event_id
LIMIT $2;

-- name: incidents_of_streams
-- Returns the incident that each of some streams belongs to.
SELECT id AS stream, id AS incident_id FROM incidents WHERE id = ANY ($1::uuid[])
UNION
SELECT id, incident_id FROM reports WHERE id = ANY ($1::uuid[]) AND incident_id IS NOT NULL
UNION
SELECT id, incident_id FROM replies WHERE id = ANY ($1::uuid[])
UNION
SELECT id, incident_id FROM messages WHERE id = ANY ($1::uuid[]) AND incident_id IS NOT NULL;
