-- name: names_of
-- Returns the names of an organisation's members by pseudonym, without those who were erased.
SELECT volunteer_id, name FROM memberships
WHERE organisation = $1 AND volunteer_id = ANY ($2::uuid[]) AND name IS NOT NULL;
