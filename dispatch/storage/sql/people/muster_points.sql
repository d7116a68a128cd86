-- name: list_muster_points
-- Returns the muster points of an organisation by name, each with the number of its members.
SELECT p.name, p.kind, p.lat, p.lon,
       (SELECT count(*) FROM memberships m
        WHERE m.organisation = p.organisation AND m.station = p.id AND m.left_at IS NULL)::int AS members
FROM muster_points p WHERE p.organisation = $1 ORDER BY p.name;

-- name: put_muster_points
-- Inserts muster points of an organisation, or changes those with these names.
INSERT INTO muster_points (id, organisation, kind, name, lat, lon)
SELECT p.id, :organisation, p.kind, p.name, p.lat, p.lon
FROM unnest(:id::uuid[], :kind::text[], :name::text[], :lat::float8[], :lon::float8[]) AS p (id, kind, name, lat, lon)
ORDER BY p.name
ON CONFLICT (organisation, name) DO UPDATE SET kind = excluded.kind, lat = excluded.lat, lon = excluded.lon;

-- name: remove_muster_point
-- Removes a muster point of an organisation, whose members have no station any more; returns its name.
DELETE FROM muster_points WHERE organisation = $1 AND name = $2 RETURNING name;

-- name: muster_point_names
-- Returns the names of an organisation's muster points.
SELECT name FROM muster_points WHERE organisation = $1;

-- name: stations_by_name
-- Returns the names of an organisation's stations.
SELECT name FROM muster_points WHERE organisation = $1 AND kind = 'station' ORDER BY name;
