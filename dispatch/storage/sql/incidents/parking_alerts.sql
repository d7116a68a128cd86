-- name: organisation_ids
-- Returns the id of every organisation.
SELECT id FROM organisations ORDER BY id;

-- name: obsolete_parking_alerts
-- Returns open parking alerts of which no parked message is left: of all organisations, or of organisation $1 and reason
-- $2. A message of an unknown organisation counts for all, as does a forged one, parked for one of the reasons $3.
SELECT e.organisation, e.reason FROM escalations e
WHERE e.subject_kind = 'system' AND e.status IN ('raised', 'acknowledged') AND (e.reason LIKE 'parked:%' OR e.reason = 'forged')
  AND ($1::uuid IS NULL OR (e.organisation = $1 AND e.reason = $2))
  AND NOT EXISTS (
      SELECT FROM parking p
      WHERE p.settled_at IS NULL
        AND CASE WHEN p.reason = ANY ($3::text[]) THEN e.reason = 'forged'
                 ELSE e.reason IN (left('parked:' || p.source_topic || ':' || p.source, 200),
                                   'parked:' || p.source_topic || ':*') END
        AND (p.organisation = e.organisation OR e.reason = 'forged'
             OR NOT EXISTS (SELECT FROM organisations o WHERE o.id = p.organisation))
  )
ORDER BY e.organisation, e.reason;

-- name: open_parking_alerts
-- Returns the open parking alerts of organisations.
SELECT organisation, reason FROM escalations
WHERE organisation = ANY ($1::uuid[]) AND subject_kind = 'system' AND status IN ('raised', 'acknowledged')
  AND reason LIKE 'parked:%';
