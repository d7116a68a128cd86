-- name: incident_is_of
-- Returns whether an incident belongs to an organisation.
SELECT EXISTS (SELECT FROM incidents WHERE id = $1 AND organisation = $2);

-- name: read_rounds
-- Returns the search rounds of an incident, with the volunteers who were picked or passed over and the reasons.
SELECT id, at, radius_m, wanted, picked, passed_over, passed, beyond FROM rounds WHERE incident_id = $1 ORDER BY at, id;

-- name: rounds_about
-- Returns the latest rounds of an organisation that may name a volunteer, whose id is given twice: as a uuid and in bytes.
SELECT r.at, r.picked, r.passed_over, r.passed, r.beyond
FROM (
    SELECT s.* FROM rounds s JOIN incidents i ON i.id = s.incident_id
    WHERE s.at >= :since AND i.organisation = :organisation
    ORDER BY s.at DESC LIMIT 2000
) AS r
WHERE position(:bytes::bytea IN r.passed) > 0
   OR r.passed IS NULL AND r.passed_over @> jsonb_build_array(jsonb_build_array(:volunteer::text))
   OR r.picked @> jsonb_build_array(jsonb_build_array(:volunteer::text))
ORDER BY r.at DESC LIMIT :most;
