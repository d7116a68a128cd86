-- name: late_work
-- Counts, per organisation and reason, the work that waits too long: due before $1, to be published or sent since before
-- $2, and reports received since $3 that have waited for their turn since before $4, if there are at least $5.
-- At most a thousand of each are counted: after a long outage the exact number is of no use.
-- Deliberate waiting does not count: considering and the waiting list during a pause, and entries that were deferred and escalated.
SELECT a.organisation, 'agenda_late' AS reason, count(*) AS waiting
FROM (SELECT * FROM agenda WHERE due_at < $1 ORDER BY due_at LIMIT 1000) AS a
WHERE NOT (a.kind IN ('consider', 'waiting')
           AND EXISTS (SELECT FROM organisations o WHERE o.id = a.organisation AND o.paused_at IS NOT NULL))
  AND NOT EXISTS (SELECT FROM escalations e
                  WHERE e.reason = 'stuck:' || a.subject AND e.status IN ('raised', 'acknowledged')
                    AND e.organisation = a.organisation)
GROUP BY a.organisation
UNION ALL
SELECT j.organisation, 'outbox_late', count(*)
FROM (SELECT position FROM outbox ORDER BY id LIMIT 1000) AS oldest
JOIN journal j ON j.id = oldest.position
WHERE j.recorded_at < $2
GROUP BY j.organisation
UNION ALL
SELECT m.organisation, 'messages_late', count(*)
FROM (SELECT organisation FROM messages WHERE status IN ('queued', 'leased') AND due_at < $2 LIMIT 1000) AS m
GROUP BY m.organisation
UNION ALL
SELECT b.organisation, 'overload', count(*)
FROM (SELECT organisation FROM backlog WHERE since > $3 AND since <= $4 LIMIT 1000) AS b
GROUP BY b.organisation HAVING count(*) >= $5
ORDER BY 1, 2;

-- name: unread_events
-- Returns which of the last thousand events from $1 to $2 a declared reader has not handled.
SELECT j.organisation, reader.consumer, j.event_id
FROM (SELECT organisation, topic, event_id FROM journal
      WHERE recorded_at >= $1 AND recorded_at < $2
      ORDER BY recorded_at DESC, bucket DESC LIMIT 1000) AS j
JOIN unnest($3::text[], $4::text[]) AS reader (topic, consumer) USING (topic)
WHERE NOT EXISTS (SELECT FROM inbox i WHERE i.consumer = reader.consumer AND i.event_id = j.event_id OFFSET 0);

-- name: recheck_unread
-- Returns those of the unread events that their readers have still not handled.
SELECT lost.consumer, lost.event_id FROM unnest($1::text[], $2::uuid[]) AS lost (consumer, event_id)
WHERE NOT EXISTS (SELECT FROM inbox i WHERE i.consumer = lost.consumer AND i.event_id = lost.event_id OFFSET 0);

-- name: sample_incidents
-- Returns $2 running incidents and $2 incidents of any status, those with the first ids after $1, and those of the
-- next $2 named in seats and in offers that have no row: no foreign key forbids that.
-- The organisation of such an incident is that of its journal; without one, the first organisation is responsible.
SELECT id, organisation FROM incidents
WHERE id IN (SELECT DISTINCT subject FROM agenda WHERE subject > $1 AND subject_kind = 'incident' ORDER BY 1 LIMIT $2)
UNION
(SELECT id, organisation FROM incidents WHERE id > $1 ORDER BY id LIMIT $2)
UNION
SELECT named.incident_id,
       coalesce((SELECT organisation FROM journal WHERE stream = named.incident_id LIMIT 1),
                (SELECT id FROM organisations ORDER BY created_at, id LIMIT 1))
FROM (
    (SELECT DISTINCT incident_id FROM seats WHERE incident_id > $1 ORDER BY incident_id LIMIT $2)
    UNION
    (SELECT DISTINCT incident_id FROM offers WHERE incident_id > $1 ORDER BY incident_id LIMIT $2)
) AS named
WHERE NOT EXISTS (SELECT FROM incidents i WHERE i.id = named.incident_id);

-- name: open_findings
-- Returns the escalations of these reasons that are still open.
SELECT id, organisation, reason FROM escalations
WHERE subject_kind = 'system' AND status IN ('raised', 'acknowledged') AND reason = ANY ($1::text[])
ORDER BY id;
