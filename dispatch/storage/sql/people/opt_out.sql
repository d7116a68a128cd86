-- name: organisations_of
-- Returns the organisations that a person is a member of.
SELECT organisation FROM memberships WHERE volunteer_id = $1 AND left_at IS NULL ORDER BY organisation;

-- name: stop_memberships
-- Records a STOP, which ends the offers of organisation $2 or, where it is null, of all; returns those that could still ask.
UPDATE memberships SET stopped_at = $3
WHERE volunteer_id = $1 AND stopped_at IS NULL AND ($2::uuid IS NULL OR organisation = $2)
RETURNING organisation, left_at;

-- name: stop_everywhere
-- Records a STOP that also counts for organisations that the person joins later; null where it counts no more.
UPDATE volunteers SET stopped_everywhere_at = $2 WHERE id = $1 AND stopped_everywhere_at IS DISTINCT FROM $2;

-- name: restart_memberships
-- Records that organisation $2, or all where it is null, may ask a person again.
UPDATE memberships SET stopped_at = NULL
WHERE volunteer_id = $1 AND stopped_at IS NOT NULL AND ($2::uuid IS NULL OR organisation = $2);

-- name: live_offers_of_people
-- Returns the incidents in which these people have live offers or wait for a seat, of organisation $2 or, where it is null, of all.
SELECT DISTINCT o.incident_id, o.volunteer_id FROM offers o JOIN incidents i ON i.id = o.incident_id
WHERE o.volunteer_id = ANY($1::uuid[]) AND o.status IN ('extended', 'waitlisted')
  AND ($2::uuid IS NULL OR i.organisation = $2)
ORDER BY o.incident_id, o.volunteer_id;

-- name: assigned_people
-- Returns those of some people who are assigned to a running incident of an organisation.
SELECT DISTINCT a.volunteer_id FROM assignments a JOIN incidents i ON i.id = a.incident_id
WHERE a.volunteer_id = ANY($1::uuid[]) AND a.status <> 'released' AND i.organisation = $2;

-- name: delete_membership
-- Deletes a person's membership of an organisation with all that it knows of them; no row if there is none.
DELETE FROM memberships WHERE organisation = $1 AND volunteer_id = $2 RETURNING volunteer_id;

-- name: erase_texts_to
-- Erases the texts that a person sent to the gateway of organisation $2, or about its incidents alone.
DELETE FROM inbound_texts t
WHERE t.volunteer_id = $1
  AND (t.organisation = $2
       OR t.incident_ids IS NOT NULL AND NOT EXISTS (SELECT FROM incidents i
                                                     WHERE i.id = ANY (t.incident_ids) AND i.organisation <> $2));

-- name: erase_texts
-- Erases the texts that a person sent, and those that they may have sent.
DELETE FROM inbound_texts
WHERE volunteer_id = $1 OR sender IN (SELECT address FROM addresses WHERE volunteer_id = $1)
   OR readings && ARRAY(SELECT address FROM addresses WHERE volunteer_id = $1);

-- name: erase_person
-- Erases the contacts of a pseudonym, and what release 0.1.0 knows of them: name, birth date and positions.
WITH person AS (DELETE FROM people WHERE volunteer_id = $1),
     contact AS (DELETE FROM addresses WHERE volunteer_id = $1)
DELETE FROM positions WHERE volunteer_id = $1;
