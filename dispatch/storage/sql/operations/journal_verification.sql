-- name: count_journal
-- How many events there are, of one stream where it is named.
SELECT count(*) FROM journal WHERE $1::uuid IS NULL OR stream = $1;

-- name: shortened_streams
-- Streams that end elsewhere than another table says: where they end, and what says otherwise.
SELECT known.stream, known.said_by, known.least, COALESCE(head.seq, 0) AS seq
FROM (
    SELECT id AS stream, 'incidents' AS said_by, seq AS least, seq AS most FROM incidents
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
ORDER BY known.stream, known.said_by
LIMIT $2;

-- name: heard_and_gone
-- Events that consumers of our own topics have taken in and the journal does not have.
SELECT consumer, event_id, received_at FROM inbox
WHERE consumer = ANY ($1::text[]) AND NOT EXISTS (SELECT FROM journal WHERE journal.event_id = inbox.event_id)
ORDER BY received_at, consumer, event_id
LIMIT $2;

-- name: homes_of_streams
-- The incident that each of some streams belongs to.
SELECT id AS stream, id AS incident_id FROM incidents WHERE id = ANY ($1::uuid[])
UNION
SELECT id, incident_id FROM reports WHERE id = ANY ($1::uuid[]) AND incident_id IS NOT NULL
UNION
SELECT id, incident_id FROM replies WHERE id = ANY ($1::uuid[])
UNION
SELECT id, incident_id FROM messages WHERE id = ANY ($1::uuid[]) AND incident_id IS NOT NULL;
