-- name: claim_phones
-- Creates a person, under the given id, for each new number; waits for concurrent claims of a number.
WITH claimed AS (
    INSERT INTO addresses (volunteer_id, channel, address)
    SELECT volunteer_id, 'sms', address FROM unnest($1::uuid[], $2::text[]) AS contact (volunteer_id, address)
    ORDER BY address
    ON CONFLICT (channel, address) DO NOTHING
    RETURNING volunteer_id
)
INSERT INTO volunteers (id, created_at) SELECT volunteer_id, $3 FROM claimed;

-- name: volunteers_by_phone
-- Returns the volunteer of each phone number.
SELECT address, volunteer_id FROM addresses WHERE channel = 'sms' AND address = ANY($1::text[]);

-- name: lock_people
-- Locks people in the order of their ids until the transaction ends.
SELECT id FROM volunteers WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE;

-- name: lock_candidates
-- Locks the candidate rows of people in the order of all writers, before several statements change them.
SELECT lock_candidates($1::uuid[]);

-- name: read_members
-- Returns these people as an organisation's current members, with the last day of each skill in its time zone.
SELECT m.volunteer_id, m.name, m.birth_date, h.lat, h.lon, m.language, m.consent, m.availability,
       (SELECT s.name FROM muster_points s WHERE s.id = m.station) AS station,
       ARRAY(SELECT s.skill FROM skills s
             WHERE s.volunteer_id = m.volunteer_id AND s.organisation = m.organisation ORDER BY s.skill) AS skills,
       ARRAY(SELECT last_day(s.expires_at, o.zone) FROM skills s
             WHERE s.volunteer_id = m.volunteer_id AND s.organisation = m.organisation ORDER BY s.skill) AS last_days
FROM memberships m
JOIN organisations o ON o.id = m.organisation
LEFT JOIN member_positions h
    ON h.volunteer_id = m.volunteer_id AND h.organisation = m.organisation AND h.kind = 'home'
WHERE m.organisation = $1 AND m.volunteer_id = ANY($2::uuid[]) AND m.left_at IS NULL;

-- name: count_members
-- Returns the number of an organisation's current members.
SELECT count(*) FROM memberships WHERE organisation = $1 AND left_at IS NULL;

-- name: member_phones
-- Returns the phones and names of an organisation's current members in the order of their ids, after id $2.
SELECT m.volunteer_id, a.address AS phone, m.name
FROM memberships m
LEFT JOIN addresses a ON a.volunteer_id = m.volunteer_id AND a.channel = 'sms'
WHERE m.organisation = $1 AND m.left_at IS NULL AND ($2::uuid IS NULL OR m.volunteer_id > $2)
ORDER BY m.volunteer_id
LIMIT $3;

-- name: upsert_memberships
-- Inserts memberships of an organisation; one that had ended becomes valid again. A STOP everywhere is inherited.
INSERT INTO memberships (organisation, volunteer_id, name, birth_date, availability, language, consent, joined_at, stopped_at,
                         station)
SELECT :organisation, m.volunteer_id, m.name, m.birth_date, m.availability, m.language, string_to_array(m.consent, ' '), :now,
       v.stopped_everywhere_at,
       (SELECT s.id FROM muster_points s WHERE s.organisation = :organisation AND s.name = m.station AND s.kind = 'station')
FROM unnest(:volunteer_id::uuid[], :name::text[], :birth_date::date[], :availability::text[], :language::text[],
            :consent::text[], :station::text[])
     AS m (volunteer_id, name, birth_date, availability, language, consent, station)
JOIN volunteers v ON v.id = m.volunteer_id
ORDER BY m.volunteer_id
ON CONFLICT (volunteer_id, organisation) DO UPDATE
SET name = excluded.name, birth_date = excluded.birth_date, availability = excluded.availability,
    language = excluded.language, consent = excluded.consent, station = excluded.station, left_at = NULL;

-- name: delete_other_skills
-- Deletes the skills of these members that are not among the given pairs.
DELETE FROM skills
WHERE organisation = $1 AND volunteer_id = ANY($2::uuid[]) AND (volunteer_id, skill) NOT IN (
    SELECT volunteer_id, skill FROM unnest($3::uuid[], $4::text[]) AS kept (volunteer_id, skill)
);

-- name: write_skills
-- Writes skills of members, each valid to the end of its last day in the organisation's time zone, if it has one.
INSERT INTO skills (organisation, volunteer_id, skill, expires_at)
SELECT o.id, given.volunteer_id, given.skill, (given.last_day + 1)::timestamp AT TIME ZONE o.zone
FROM unnest($2::uuid[], $3::text[], $4::date[]) AS given (volunteer_id, skill, last_day)
JOIN organisations o ON o.id = $1
ON CONFLICT (volunteer_id, organisation, skill) DO UPDATE SET expires_at = excluded.expires_at;

-- name: upsert_places
-- Writes the places where members of an organisation live or work, in degrees and in Web-Mercator metres.
INSERT INTO member_positions (organisation, volunteer_id, kind, at, lat, lon, recorded_at)
SELECT :organisation, volunteer_id, kind, point(x, y), lat, lon, :recorded_at
FROM unnest(:volunteer_id::uuid[], :kind::text[], :x::float8[], :y::float8[], :lat::float8[], :lon::float8[])
     AS place (volunteer_id, kind, x, y, lat, lon)
ON CONFLICT (volunteer_id, organisation, kind) DO UPDATE
SET at = excluded.at, lat = excluded.lat, lon = excluded.lon, recorded_at = excluded.recorded_at;

-- name: patch_membership
-- Changes the columns whose new value is not null, and returns the previous availability; no row without such a member.
-- An empty station means none.
UPDATE memberships AS new
SET availability = COALESCE($3, new.availability),
    consent = COALESCE($4::text[], new.consent),
    language = COALESCE($5, new.language),
    station = CASE WHEN $6::text IS NULL THEN new.station
                   ELSE (SELECT s.id FROM muster_points s WHERE s.organisation = $1 AND s.name = $6 AND s.kind = 'station') END
FROM memberships AS old
WHERE new.organisation = $1 AND new.volunteer_id = $2 AND new.left_at IS NULL
  AND old.organisation = new.organisation AND old.volunteer_id = new.volunteer_id
RETURNING old.availability;

-- name: read_member
-- Returns the id of a member, with the phone and the channels to which they consented.
SELECT m.id, a.address AS phone, m.consent FROM memberships m
JOIN addresses a ON a.volunteer_id = m.volunteer_id AND a.channel = 'sms'
WHERE m.organisation = $1 AND m.volunteer_id = $2 AND m.left_at IS NULL;

-- name: skills_of_roster
-- Returns the skills on an organisation's roster.
SELECT DISTINCT s.skill FROM skills s JOIN memberships m USING (volunteer_id, organisation)
WHERE m.organisation = $1 AND m.left_at IS NULL;

-- name: list_volunteers
-- Returns the members of an organisation in the order of their ids, after id $2, with what its supervisors may see. That
-- messages are not delivered is shown where its own were not, or where no other organisation sends any.
SELECT m.id AS volunteer_id, m.name, a.address AS phone, m.language, m.consent, m.availability,
       (SELECT s.name FROM muster_points s WHERE s.id = m.station) AS station,
       -- A STOP before this membership would tell of another.
       CASE WHEN m.stopped_at >= m.joined_at THEN m.stopped_at END AS stopped_at,
       (SELECT min(f.failing_since) FROM addresses f
        WHERE f.volunteer_id = m.volunteer_id
          AND (NOT EXISTS (SELECT FROM memberships o
                           WHERE o.volunteer_id = m.volunteer_id AND o.organisation <> m.organisation)
               OR EXISTS (SELECT FROM messages e
                          WHERE e.recipient_id = m.volunteer_id AND e.organisation = m.organisation
                            AND e.channel = f.channel AND e.status = 'failed'))) AS failing_since,
       ARRAY(SELECT skill FROM skills s
             WHERE s.volunteer_id = m.volunteer_id AND s.organisation = m.organisation ORDER BY skill) AS skills,
       ARRAY(SELECT last_day(s.expires_at, o.zone) FROM skills s
             WHERE s.volunteer_id = m.volunteer_id AND s.organisation = m.organisation ORDER BY skill) AS last_days
FROM memberships m
JOIN organisations o ON o.id = m.organisation
LEFT JOIN addresses a ON a.volunteer_id = m.volunteer_id AND a.channel = 'sms'
WHERE m.organisation = $1 AND m.left_at IS NULL AND ($2::uuid IS NULL OR m.id > $2)
ORDER BY m.id
LIMIT $3;
