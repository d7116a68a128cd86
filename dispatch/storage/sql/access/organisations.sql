-- name: list_organisations
-- Returns every organisation, with the numbers of its volunteers and of its duty contacts, and of those among both to whom
-- messages are not delivered.
SELECT o.id, o.name, o.zone, o.country, o.south, o.west, o.north, o.east, o.paused_at, o.alarm_phone,
       (SELECT count(*) FROM memberships m WHERE m.organisation = o.id AND m.left_at IS NULL) AS volunteers,
       (SELECT count(*) FROM duty_contacts d WHERE d.organisation = o.id) AS duty,
       (SELECT count(DISTINCT a.volunteer_id) FROM addresses a JOIN memberships m ON m.volunteer_id = a.volunteer_id
        WHERE a.failing_since IS NOT NULL AND m.organisation = o.id AND m.left_at IS NULL) AS failing,
       (SELECT count(*) FROM duty_contacts d WHERE d.organisation = o.id AND d.failing_since IS NOT NULL) AS duty_failing
FROM organisations o ORDER BY o.name;

-- name: create_organisation
-- Creates an organisation and returns its id; no row if the name is taken.
INSERT INTO organisations (id, name, zone, south, west, north, east, created_at)
VALUES (:id, :name, :zone, :south, :west, :north, :east, :created_at)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: get_organisation
-- Returns one organisation with its country and service area, and the number of its duty contacts.
SELECT id, name, zone, country, south, west, north, east, paused_at, alarm_phone,
       (SELECT count(*) FROM duty_contacts d WHERE d.organisation = o.id) AS duty
FROM organisations o WHERE id = $1;

-- name: country_of_organisation
-- Returns the country of an organisation's phone numbers without a country code.
SELECT country FROM organisations WHERE id = $1;

-- name: countries_of_organisations
-- Returns each country that an organisation has.
SELECT DISTINCT country FROM organisations ORDER BY country;

-- name: change_organisation
-- Changes the settings whose new value is not null, and returns the organisation's id; no row without one. An empty alarm
-- phone removes it.
UPDATE organisations SET
    name = coalesce(:name, name), alarm_phone = CASE WHEN :alarm_phone = '' THEN NULL ELSE coalesce(:alarm_phone, alarm_phone) END,
    zone = coalesce(:zone, zone), country = coalesce(:country, country), south = coalesce(:south, south),
    west = coalesce(:west, west), north = coalesce(:north, north), east = coalesce(:east, east)
WHERE id = :organisation
RETURNING id;

-- name: set_country
-- Sets the country of an organisation that is being created.
UPDATE organisations SET country = $2 WHERE id = $1;

-- name: set_alarm_phone
-- Sets the alarm phone of an organisation that is being created.
UPDATE organisations SET alarm_phone = $2 WHERE id = $1;

-- name: pause_organisation
-- Pauses an organisation and returns its id; no row if it is paused already.
UPDATE organisations SET paused_at = $2 WHERE id = $1 AND paused_at IS NULL RETURNING id;

-- name: resume_organisation
-- Ends a pause and returns the organisation's id; no row if it is not paused.
UPDATE organisations SET paused_at = NULL WHERE id = $1 AND paused_at IS NOT NULL RETURNING id;

-- name: open_escalations_of
-- Returns the open escalations about a subject with one reason.
SELECT id FROM escalations WHERE subject_id = $1 AND reason = $2 AND status IN ('raised', 'acknowledged');

-- name: list_duty_contacts
-- Returns the supervisors of an organisation in duty order.
SELECT id, name, channel, address, language, drills FROM duty_contacts WHERE organisation = $1 ORDER BY turn;

-- name: clear_duty_contacts
-- Deletes the duty order of an organisation, and returns the contacts that were in it.
DELETE FROM duty_contacts WHERE organisation = $1 RETURNING id, address;

-- name: add_duty_contacts
-- Writes the duty order of an organisation, in the given order.
INSERT INTO duty_contacts (id, organisation, turn, name, channel, address, language, drills)
SELECT id, :organisation, turn, name, channel, address, language, drills
FROM unnest(:id::uuid[], :name::text[], :channel::text[], :address::text[], :language::text[], :drills::boolean[])
     WITH ORDINALITY AS contact (id, name, channel, address, language, drills, turn);
