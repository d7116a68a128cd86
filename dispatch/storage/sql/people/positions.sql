-- name: write_live_positions
-- Writes the live positions of an organisation's members, newer over older, and returns the members.
-- A move under 30 m leaves the old point, so that the index is not updated.
WITH fix AS (
    SELECT volunteer_id, x, y, lat, lon, recorded_at
    FROM unnest(:volunteer_id::uuid[], :x::float8[], :y::float8[], :lat::float8[], :lon::float8[],
                :recorded_at::timestamptz[])
         AS fix (volunteer_id, x, y, lat, lon, recorded_at)
    WHERE EXISTS (
        SELECT FROM memberships m
        WHERE m.volunteer_id = fix.volunteer_id AND m.organisation = :organisation AND m.left_at IS NULL
    )
), written AS (
    INSERT INTO member_positions AS old (organisation, volunteer_id, kind, at, lat, lon, recorded_at)
    SELECT :organisation, volunteer_id, 'live', point(x, y), lat, lon, recorded_at FROM fix ORDER BY volunteer_id
    ON CONFLICT (volunteer_id, organisation, kind) DO UPDATE
    SET recorded_at = excluded.recorded_at,
        at = CASE WHEN (old.at <-> excluded.at) * cosd(old.lat) < 30 THEN old.at ELSE excluded.at END,
        lat = CASE WHEN (old.at <-> excluded.at) * cosd(old.lat) < 30 THEN old.lat ELSE excluded.lat END,
        lon = CASE WHEN (old.at <-> excluded.at) * cosd(old.lat) < 30 THEN old.lon ELSE excluded.lon END
    WHERE old.recorded_at < excluded.recorded_at
)
SELECT volunteer_id FROM fix;

-- name: delete_live_positions
-- Deletes the live positions of people in every organisation; home and work stay.
DELETE FROM member_positions
WHERE kind = 'live' AND volunteer_id IN (SELECT unnest($1::uuid[]) ORDER BY 1);

-- name: delete_live_positions_of_members
-- Deletes the live positions of members in their organisation alone.
DELETE FROM member_positions p USING memberships m
WHERE m.id = ANY ($1::uuid[]) AND p.volunteer_id = m.volunteer_id AND p.organisation = m.organisation AND p.kind = 'live';
