-- name: lock_list
-- Creates a list of an organisation where it has none of this name, and locks it until the transaction ends.
INSERT INTO lists (organisation, name, changed_at) VALUES ($1, $2, $3)
ON CONFLICT (organisation, name) DO UPDATE SET changed_at = excluded.changed_at;

-- name: count_lists
-- Returns the lists of an organisation with the number of current members on each.
SELECT l.name, l.changed_at,
       (SELECT count(*) FROM list_members p JOIN memberships m USING (volunteer_id, organisation)
        WHERE p.organisation = l.organisation AND p.name = l.name AND m.left_at IS NULL) AS people
FROM lists l WHERE l.organisation = $1 ORDER BY l.name;

-- name: list_exists
-- Returns whether an organisation has a list of this name.
SELECT EXISTS (SELECT FROM lists WHERE organisation = $1 AND name = $2);

-- name: members_of_list
-- Returns the people on a list of an organisation, in the order of their ids.
SELECT volunteer_id FROM list_members WHERE organisation = $1 AND name = $2 ORDER BY volunteer_id;

-- name: ids_on_list
-- Returns the ids of the members on a list of an organisation.
SELECT m.id FROM list_members p JOIN memberships m USING (volunteer_id, organisation)
WHERE p.organisation = $1 AND p.name = $2 ORDER BY m.id;

-- name: change_list
-- Takes the people $3 off a list and puts the people $4 on it.
WITH gone AS (
    DELETE FROM list_members WHERE organisation = $1 AND name = $2 AND volunteer_id = ANY ($3::uuid[])
)
INSERT INTO list_members (organisation, name, volunteer_id)
SELECT $1, $2, volunteer_id FROM unnest($4::uuid[]) AS volunteer_id ORDER BY volunteer_id;

-- name: delete_list
-- Deletes a list, and returns its name; no row if there is none.
DELETE FROM lists WHERE organisation = $1 AND name = $2 RETURNING name;

-- name: current_members
-- Returns those of some people who are members of an organisation now.
SELECT volunteer_id FROM memberships WHERE organisation = $1 AND volunteer_id = ANY ($2::uuid[]) AND left_at IS NULL;

-- name: keep_apart
-- Records that two members of an organisation must not meet.
INSERT INTO apart (organisation, volunteer_id, other) VALUES ($1, $2, $3), ($1, $3, $2) ON CONFLICT DO NOTHING;

-- name: let_meet
-- Deletes a pair of people who must not meet, and returns its rows.
DELETE FROM apart
WHERE organisation = $1 AND (volunteer_id = $2 AND other = $3 OR volunteer_id = $3 AND other = $2) RETURNING volunteer_id;

-- name: list_apart
-- Returns the pairs of members of an organisation who must not meet, each once.
SELECT m.id AS volunteer_id, o.id AS other
FROM apart a
JOIN memberships m ON m.volunteer_id = a.volunteer_id AND m.organisation = a.organisation
JOIN memberships o ON o.volunteer_id = a.other AND o.organisation = a.organisation
WHERE a.organisation = $1 AND m.id < o.id ORDER BY m.id, o.id;
