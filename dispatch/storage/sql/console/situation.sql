-- name: list_incidents
-- Returns the incidents of an organisation opened before $2, newest first, with their needed and filled seats.
SELECT i.id, i.mode, i.lane, i.kind, i.severity, i.status, p.name AS plan, i.lat, i.lon, i.awaiting, i.opened_at,
       i.covered_at, i.ended_at,
       CASE WHEN i.status = 'cancelled' THEN 'cancelled' ELSE i.outcome END AS outcome, i.taken_by,
       (SELECT count(*) FROM seats s WHERE s.incident_id = i.id AND NOT s.reserve) AS needed,
       (SELECT count(*) FROM seats s
        WHERE s.incident_id = i.id AND s.assignment_id IS NOT NULL AND NOT s.added) AS filled,
       (SELECT count(*) FILTER (WHERE o.status = 'extended') FROM offers o WHERE o.incident_id = i.id) AS open_offers,
       (SELECT count(*) FROM escalations e
        WHERE e.subject_id = i.id AND e.status IN ('raised', 'acknowledged')) AS open_escalations
FROM incidents i JOIN plans p ON p.hash = i.plan_hash
WHERE i.organisation = $1 AND ($2::timestamptz IS NULL OR i.opened_at < $2)
  AND ($3::text[] IS NULL OR i.status = ANY ($3)) AND ($4::text[] IS NULL OR i.mode = ANY ($4))
ORDER BY i.opened_at DESC, i.id
LIMIT $5;

-- name: incident_texts
-- Returns the texts of an incident's reports, in the order of their receipt.
SELECT t.description FROM reports r JOIN report_texts t ON t.report_id = r.id
WHERE r.incident_id = $1 ORDER BY r.received_at, r.id;

-- name: texts_about_incident
-- Returns the texts that volunteers sent about an incident, in the order of their receipt.
SELECT id, volunteer_id, received_at, text, outcome FROM inbound_texts
WHERE incident_ids @> ARRAY[$1::uuid] ORDER BY received_at, id;

-- name: list_escalations
-- Returns the escalations of an organisation, only open ones if $2, by level from the highest, then the latest first.
SELECT id, subject_kind, subject_id, reason, detail, level, page, turn, status, raised_at, told_at, acknowledged_by,
       lapses_at
FROM escalations
WHERE organisation = $1 AND (NOT $2 OR status IN ('raised', 'acknowledged'))
ORDER BY level DESC, told_at DESC, id
LIMIT $3;

-- name: count_open_escalations
-- Counts the open escalations of an organisation.
SELECT count(*) FROM escalations WHERE organisation = $1 AND status IN ('raised', 'acknowledged');
