-- name: late_pages
-- While the oldest unpublished event is older than $1: the latest event of each open page that was raised between $2 and $1,
-- at most $3 of them, the oldest first.
SELECT j.event_id, j.topic, j.key, j.headers, j.body
FROM escalations e
CROSS JOIN LATERAL (
    SELECT event_id, topic, key, headers, body FROM journal
    WHERE stream = e.subject_id AND topic = 'dispatch.escalations' AND type = 'escalation.raised.v1'
      AND convert_from(body, 'UTF8')::jsonb ->> 'escalation_id' = e.id::text
    ORDER BY seq DESC LIMIT 1
) AS j
WHERE (SELECT o.recorded_at FROM journal o WHERE o.id = (SELECT position FROM outbox ORDER BY id LIMIT 1)) <= $1
  AND e.status = 'raised' AND e.page AND e.told_at <= $1 AND e.told_at > $2
  AND NOT EXISTS (SELECT FROM inbox i WHERE i.consumer = 'escalation-messages' AND i.event_id = j.event_id OFFSET 0)
ORDER BY e.told_at, e.id
LIMIT $3;
