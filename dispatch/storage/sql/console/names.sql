-- name: names_of
-- Returns the names of volunteers by pseudonym, without those who were erased.
SELECT volunteer_id, name FROM people WHERE volunteer_id = ANY ($1::uuid[]);
