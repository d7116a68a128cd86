-- name: incidents_to_ask_for
-- Returns those of the incidents that want offers and have not been searched for since; an incident that a search left
-- with too few is searched for again when its entry is due.
SELECT a.subject FROM agenda a
WHERE a.subject = ANY ($1::uuid[]) AND a.kind = 'consider'
  AND EXISTS (SELECT FROM incidents i WHERE i.id = a.subject AND i.retry_at IS NULL OFFSET 0)
  AND NOT EXISTS (SELECT FROM organisations o WHERE o.id = a.organisation AND o.paused_at IS NOT NULL)
ORDER BY a.subject;

-- name: overlapping_incidents
-- Returns the incidents of other lanes in which a volunteer assigned in the lane urgent holds a seat or an offer.
SELECT DISTINCT a.volunteer_id, a.incident_id
FROM (
    SELECT volunteer_id, incident_id, lane FROM assignments WHERE status <> 'released'
    UNION ALL
    SELECT volunteer_id, incident_id, lane FROM offers WHERE status = 'extended'
) AS a
WHERE a.volunteer_id = ANY ($1::uuid[]) AND a.lane IN ('planned', 'drill')
  AND EXISTS (SELECT FROM assignments u
              WHERE u.volunteer_id = a.volunteer_id AND u.lane = 'urgent' AND u.status <> 'released');
