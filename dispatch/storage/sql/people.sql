-- Organisations, keys, volunteers, and where they are.

-- name: create_organisation
-- Makes an organisation and returns its id; nothing where the name is taken.
INSERT INTO organisations (id, name, zone, south, west, north, east, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: get_organisation
-- One organisation with its service area.
SELECT id, name, zone, south, west, north, east, paused_at FROM organisations WHERE id = $1;

-- name: pause_organisation
-- Pauses an organisation and returns its id; nothing where it is paused already.
UPDATE organisations SET paused_at = $2 WHERE id = $1 AND paused_at IS NULL RETURNING id;

-- name: resume_organisation
-- Ends a pause and returns the organisation's id; nothing where it is not paused.
UPDATE organisations SET paused_at = NULL WHERE id = $1 AND paused_at IS NOT NULL RETURNING id;

-- name: open_escalations_of
-- What of one reason supervisors still have to see to about a subject.
SELECT id FROM escalations WHERE subject_id = $1 AND reason = $2 AND status IN ('raised', 'acknowledged');

-- name: list_duty_contacts
-- The supervisors of an organisation in duty order.
SELECT id, name, channel, address, language, drills FROM duty_contacts WHERE organisation = $1 ORDER BY turn;

-- name: clear_duty_contacts
-- Forgets the duty order of an organisation, and returns who was in it.
DELETE FROM duty_contacts WHERE organisation = $1 RETURNING id, address;

-- name: add_duty_contacts
-- Writes the duty order of an organisation, in the order given.
INSERT INTO duty_contacts (id, organisation, turn, name, channel, address, language, drills)
SELECT id, $1, turn, name, channel, address, language, drills
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[])
     WITH ORDINALITY AS contact (id, name, channel, address, language, drills, turn);

-- name: create_key
-- Keeps a new key by its hash.
INSERT INTO api_keys (id, organisation, hash, scopes, holder, created_at) VALUES ($1, $2, $3, $4, $5, $6);

-- name: find_key
-- A key that still opens something.
SELECT id, organisation, hash, scopes, holder FROM api_keys WHERE id = $1 AND revoked_at IS NULL;

-- name: list_keys
-- The keys of an organisation, oldest first, revoked ones included.
SELECT id, scopes, holder, created_at, revoked_at FROM api_keys WHERE organisation = $1 ORDER BY created_at, id;

-- name: revoke_key
-- Ends a key and returns its id; nothing where the organisation has no such living key.
UPDATE api_keys SET revoked_at = $3 WHERE organisation = $1 AND id = $2 AND revoked_at IS NULL RETURNING id;

-- name: claim_idempotency_key
-- Claims a key for a first request, or again where it is old ($5) or was left under way ($6); else returns nothing.
INSERT INTO idempotency_keys AS kept (api_key, key, request_hash, status, body, created_at)
VALUES ($1, $2, $3, 0, '', $4)
ON CONFLICT (api_key, key) DO UPDATE
SET request_hash = excluded.request_hash, status = 0, body = '', created_at = excluded.created_at
WHERE kept.created_at < $5 OR (kept.status = 0 AND kept.created_at < $6)
RETURNING key;

-- name: find_idempotency_key
-- What was answered to the first request with this key; status 0 while it is under way.
SELECT request_hash, status, body FROM idempotency_keys WHERE api_key = $1 AND key = $2;

-- name: settle_idempotency_key
-- Keeps the answer to the first request.
UPDATE idempotency_keys SET status = $3, body = $4 WHERE api_key = $1 AND key = $2;

-- name: free_idempotency_key
-- Lets the same request be tried again.
DELETE FROM idempotency_keys WHERE api_key = $1 AND key = $2;

-- name: purge_idempotency_keys
-- Forgets the answers of one caller that are too old to be asked for again.
DELETE FROM idempotency_keys WHERE api_key = $1 AND created_at < $2;

-- name: claim_phones
-- Makes a person, under the id given, of each number that is nobody's yet; who else claims it meanwhile is waited for.
WITH claimed AS (
    INSERT INTO addresses (volunteer_id, channel, address)
    SELECT volunteer_id, 'sms', address FROM unnest($1::uuid[], $2::text[]) AS contact (volunteer_id, address)
    ORDER BY address
    ON CONFLICT (channel, address) DO NOTHING
    RETURNING volunteer_id
)
INSERT INTO volunteers (id, created_at) SELECT volunteer_id, $3 FROM claimed;

-- name: find_phones
-- The people behind phone numbers.
SELECT address, volunteer_id FROM addresses WHERE channel = 'sms' AND address = ANY($1::text[]);

-- name: lock_people
-- Locks people in the order of their ids until the transaction ends.
SELECT id, stopped_at FROM volunteers WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE;

-- name: read_memberships
-- What an organisation knows of these people's availability, those who left apart.
SELECT volunteer_id, availability FROM memberships
WHERE organisation = $1 AND volunteer_id = ANY($2::uuid[]) AND left_at IS NULL;

-- name: put_people
-- Writes names and births.
INSERT INTO people (volunteer_id, name, birth_date)
SELECT volunteer_id, name, birth_date
FROM unnest($1::uuid[], $2::text[], $3::date[]) AS person (volunteer_id, name, birth_date)
ON CONFLICT (volunteer_id) DO UPDATE SET name = excluded.name, birth_date = excluded.birth_date;

-- name: put_memberships
-- Makes people members of an organisation, again where they had left.
INSERT INTO memberships (organisation, volunteer_id, availability, language, consent, joined_at)
SELECT $1, volunteer_id, availability, language, string_to_array(consent, ' '), $6
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[])
     AS member (volunteer_id, availability, language, consent)
ON CONFLICT (volunteer_id, organisation) DO UPDATE
SET availability = excluded.availability, language = excluded.language, consent = excluded.consent, left_at = NULL;

-- name: drop_skills
-- Takes away the skills of these members that are not among the pairs given.
DELETE FROM skills
WHERE organisation = $1 AND volunteer_id = ANY($2::uuid[]) AND (volunteer_id, skill) NOT IN (
    SELECT volunteer_id, skill FROM unnest($3::uuid[], $4::text[]) AS kept (volunteer_id, skill)
);

-- name: put_skills
-- Gives skills to members; one that they have keeps its expiry.
INSERT INTO skills (organisation, volunteer_id, skill)
SELECT $1, volunteer_id, skill FROM unnest($2::uuid[], $3::text[]) AS given (volunteer_id, skill)
ON CONFLICT DO NOTHING;

-- name: put_places
-- Writes where people live or work, from degrees and Web-Mercator metres.
INSERT INTO positions (volunteer_id, kind, at, lat, lon, recorded_at)
SELECT volunteer_id, kind, point(x, y), lat, lon, $7
FROM unnest($1::uuid[], $2::text[], $3::float8[], $4::float8[], $5::float8[], $6::float8[])
     AS place (volunteer_id, kind, x, y, lat, lon)
ON CONFLICT (volunteer_id, kind) DO UPDATE
SET at = excluded.at, lat = excluded.lat, lon = excluded.lon, recorded_at = excluded.recorded_at;

-- name: move_volunteers
-- Writes where members are, newer over older, and returns who is known; a move under 30 m leaves the index alone.
WITH heard AS (
    SELECT volunteer_id, x, y, lat, lon, recorded_at
    FROM unnest($1::uuid[], $2::float8[], $3::float8[], $4::float8[], $5::float8[], $6::timestamptz[])
         AS heard (volunteer_id, x, y, lat, lon, recorded_at)
    WHERE EXISTS (
        SELECT FROM memberships m
        WHERE m.volunteer_id = heard.volunteer_id AND m.left_at IS NULL
          AND ($7::uuid IS NULL OR m.organisation = $7)
    )
), written AS (
    INSERT INTO positions AS old (volunteer_id, kind, at, lat, lon, recorded_at)
    SELECT volunteer_id, 'live', point(x, y), lat, lon, recorded_at FROM heard ORDER BY volunteer_id
    ON CONFLICT (volunteer_id, kind) DO UPDATE
    SET recorded_at = excluded.recorded_at,
        at = CASE WHEN (old.at <-> excluded.at) * cosd(old.lat) < 30 THEN old.at ELSE excluded.at END,
        lat = CASE WHEN (old.at <-> excluded.at) * cosd(old.lat) < 30 THEN old.lat ELSE excluded.lat END,
        lon = CASE WHEN (old.at <-> excluded.at) * cosd(old.lat) < 30 THEN old.lon ELSE excluded.lon END
    WHERE old.recorded_at < excluded.recorded_at
)
SELECT volunteer_id FROM heard;

-- name: patch_membership
-- Changes what is given and returns the availability before; nothing where there is no such member.
UPDATE memberships AS new
SET availability = COALESCE($3, new.availability),
    consent = COALESCE($4::text[], new.consent),
    language = COALESCE($5, new.language)
FROM memberships AS old
WHERE new.organisation = $1 AND new.volunteer_id = $2 AND new.left_at IS NULL
  AND old.organisation = new.organisation AND old.volunteer_id = new.volunteer_id
RETURNING old.availability;

-- name: list_volunteers
-- The members of an organisation after a given id, by id, with what its supervisors may see.
SELECT m.volunteer_id, p.name, a.address AS phone, m.language, m.consent, m.availability, v.stopped_at,
       ARRAY(SELECT skill FROM skills s
             WHERE s.volunteer_id = m.volunteer_id AND s.organisation = m.organisation ORDER BY skill) AS skills
FROM memberships m
JOIN volunteers v ON v.id = m.volunteer_id
LEFT JOIN people p ON p.volunteer_id = m.volunteer_id
LEFT JOIN addresses a ON a.volunteer_id = m.volunteer_id AND a.channel = 'sms'
WHERE m.organisation = $1 AND m.left_at IS NULL AND ($2::uuid IS NULL OR m.volunteer_id > $2)
ORDER BY m.volunteer_id
LIMIT $3;

-- name: find_by_phone
-- The volunteer behind a phone number.
SELECT volunteer_id FROM addresses WHERE channel = 'sms' AND address = $1;

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
