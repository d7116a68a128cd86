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
