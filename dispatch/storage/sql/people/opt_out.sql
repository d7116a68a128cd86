-- name: organisations_of
-- The organisations that a person is a member of.
SELECT organisation FROM memberships WHERE volunteer_id = $1 AND left_at IS NULL ORDER BY organisation;

-- name: stop_volunteer
-- Notes that a person wants no more offers, the first time that they said so.
UPDATE volunteers SET stopped_at = $2 WHERE id = $1 AND stopped_at IS NULL RETURNING id;

-- name: restart_volunteer
-- Notes that a person may be asked again.
UPDATE volunteers SET stopped_at = NULL WHERE id = $1 AND stopped_at IS NOT NULL RETURNING id;

-- name: live_offers_of
-- The incidents that wait for this person's answer, of one organisation or of all.
SELECT DISTINCT o.incident_id FROM offers o JOIN incidents i ON i.id = o.incident_id
WHERE o.volunteer_id = $1 AND o.status = 'extended' AND ($2::uuid IS NULL OR i.organisation = $2)
ORDER BY o.incident_id;

-- name: is_assigned
-- Tells whether a person is bound to a running incident.
SELECT EXISTS (SELECT FROM assignments WHERE volunteer_id = $1 AND status <> 'released');

-- name: end_membership
-- Takes a person off an organisation's roster, skills included; nothing where they are not on it.
DELETE FROM memberships WHERE organisation = $1 AND volunteer_id = $2 RETURNING volunteer_id;

-- name: erase_texts
-- Erases the texts that a person sent.
DELETE FROM inbound_texts
WHERE sender IN (SELECT address FROM addresses WHERE volunteer_id = $1 AND channel = 'sms');

-- name: erase_person
-- Erases whatever tells who a pseudonym is or where.
WITH person AS (DELETE FROM people WHERE volunteer_id = $1),
     contact AS (DELETE FROM addresses WHERE volunteer_id = $1)
DELETE FROM positions WHERE volunteer_id = $1;
