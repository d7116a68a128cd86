-- name: incidents_to_ask_for
-- Returns those of the incidents that want offers and have not been searched for since; an incident that a search left
-- with too few is searched for again when its entry is due.
SELECT a.subject FROM agenda a
WHERE a.subject = ANY ($1::uuid[]) AND a.kind = 'consider'
  AND EXISTS (SELECT FROM incidents i WHERE i.id = a.subject AND i.retry_at IS NULL OFFSET 0)
  AND NOT EXISTS (SELECT FROM organisations o WHERE o.id = a.organisation AND o.paused_at IS NOT NULL)
ORDER BY a.subject;

-- name: overlapping_incidents
-- Returns the incidents of other lanes in which a volunteer assigned in the lane urgent holds a seat or an offer, without
-- those whose window begins after $3 or is over at $2, and those that nobody is called away from.
SELECT DISTINCT a.volunteer_id, a.incident_id
FROM (
    SELECT volunteer_id, incident_id, lane, true AS seated FROM assignments WHERE status <> 'released'
    UNION ALL
    SELECT volunteer_id, incident_id, lane, false FROM offers WHERE status = 'extended'
) AS a
JOIN incidents i ON i.id = a.incident_id
JOIN plans p ON p.hash = i.plan_hash
WHERE a.volunteer_id = ANY ($1::uuid[]) AND a.lane IN ('planned', 'drill')
  AND (i.starts_at IS NULL OR i.starts_at <= $3::timestamptz AND i.ends_at > $2::timestamptz)
  AND NOT (a.seated AND coalesce(p.body -> 'interruptible' = 'false', false))
  AND EXISTS (SELECT FROM assignments u
              WHERE u.volunteer_id = a.volunteer_id AND u.lane = 'urgent' AND u.status <> 'released');
