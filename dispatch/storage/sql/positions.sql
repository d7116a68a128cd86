-- Where people are, as trackers publish it.

-- name: forget_live_positions
-- Forgets where people were last seen; home and work stay.
DELETE FROM positions
WHERE kind = 'live' AND volunteer_id IN (SELECT unnest($1::uuid[]) ORDER BY 1);
