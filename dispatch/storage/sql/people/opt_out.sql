-- name: organisations_of
-- Returns the organisations that a person is a member of.
SELECT organisation FROM memberships WHERE volunteer_id = $1 AND left_at IS NULL ORDER BY organisation;

-- name: stop_volunteer
-- Records the time of a person's first STOP, which ends offers.
UPDATE volunteers SET stopped_at = $2 WHERE id = $1 AND stopped_at IS NULL RETURNING id;

-- name: restart_volunteer
-- Records that a person may receive offers again.
UPDATE volunteers SET stopped_at = NULL WHERE id = $1 AND stopped_at IS NOT NULL RETURNING id;

-- name: live_offers_of_people
-- Returns the incidents in which these people have live offers, of organisation $2 or, where it is null, of all.
SELECT DISTINCT o.incident_id, o.volunteer_id FROM offers o JOIN incidents i ON i.id = o.incident_id
WHERE o.volunteer_id = ANY($1::uuid[]) AND o.status = 'extended' AND ($2::uuid IS NULL OR i.organisation = $2)
ORDER BY o.incident_id, o.volunteer_id;

-- name: assigned_people
-- Returns those of some people who are assigned to a running incident.
SELECT DISTINCT volunteer_id FROM assignments WHERE volunteer_id = ANY($1::uuid[]) AND status <> 'released';

-- name: delete_membership
-- Deletes a person's membership of an organisation, skills included; no row if there is none.
DELETE FROM memberships WHERE organisation = $1 AND volunteer_id = $2 RETURNING volunteer_id;

-- name: erase_texts
-- Erases the texts that a person sent, and those that they may have sent.
DELETE FROM inbound_texts
WHERE volunteer_id = $1 OR sender IN (SELECT address FROM addresses WHERE volunteer_id = $1)
   OR readings && ARRAY(SELECT address FROM addresses WHERE volunteer_id = $1);

-- name: erase_person
-- Erases name, birth date, contacts and positions of a pseudonym.
WITH person AS (DELETE FROM people WHERE volunteer_id = $1),
     contact AS (DELETE FROM addresses WHERE volunteer_id = $1)
DELETE FROM positions WHERE volunteer_id = $1;
