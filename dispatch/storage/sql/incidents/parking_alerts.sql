-- name: organisation_ids
-- Returns the id of every organisation.
SELECT id FROM organisations ORDER BY id;

-- name: told_of_nothing
-- Open escalations about parked messages of which none is left, of all organisations or of one ($1), its reason $2.
-- What names no known organisation is everybody's.
SELECT e.organisation, e.reason FROM escalations e
WHERE e.subject_kind = 'system' AND e.status IN ('raised', 'acknowledged') AND e.reason LIKE 'parked:%'
  AND ($1::uuid IS NULL OR (e.organisation = $1 AND e.reason = $2))
  AND NOT EXISTS (
      SELECT FROM parking p
      WHERE p.settled_at IS NULL AND left('parked:' || p.source_topic || ':' || p.source, 200) = e.reason
        AND (p.organisation = e.organisation
             OR NOT EXISTS (SELECT FROM organisations o WHERE o.id = p.organisation))
  )
ORDER BY e.organisation, e.reason;
