-- name: incident_is_of
-- Returns whether an incident belongs to an organisation.
SELECT EXISTS (SELECT FROM incidents WHERE id = $1 AND organisation = $2);

-- name: read_rounds
-- Returns the search rounds of an incident, with the volunteers who were picked or passed over and the reasons.
SELECT id, at, radius_m, wanted, picked, passed_over FROM rounds WHERE incident_id = $1 ORDER BY at, id;
