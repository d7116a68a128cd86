-- name: search_members
-- Returns the members of stations with their metres from the station, their gates except those of skill and age, the day
-- of their birth, and their skills; a station that was removed has none. Where somebody is, is as in `search_nearest`.
SELECT i.n, c.volunteer_id, ground_metres(coalesce(p.at, c.at), i.x, i.y, i.east, i.north) AS metres,
       candidate_gates(c, p.recorded_at, i.lane, q.availability, i.rested_since, i.fresh_since, i.asked_since, q.asked,
                       i.drill, :now) AS gates,
       coalesce(c.birth_date - date '2000-01-01', 2147483647) AS born, c.skills
FROM unnest(:n::int[], :station::text[], :incident_id::uuid[], :organisation::uuid[], :lane::text[], :x::float8[],
            :y::float8[], :reach::float8[], :radius::float8[], :east::float8[], :north::float8[],
            :rested_since::timestamptz[], :fresh_since::timestamptz[], :availability::text[], :drill::bool[],
            :asked_since::timestamptz[])
     AS i (n, station, incident_id, organisation, lane, x, y, reach, radius, east, north, rested_since, fresh_since,
           availability, drill, asked_since)
CROSS JOIN LATERAL (SELECT ARRAY(SELECT o.volunteer_id FROM offers o WHERE o.incident_id = i.incident_id
                                 GROUP BY o.volunteer_id
                                 HAVING count(*) > 2 OR bool_or(o.missed IS DISTINCT FROM 'unsent')) AS asked,
                           string_to_array(i.availability, ',') AS availability OFFSET 0) AS q
JOIN muster_points s ON s.organisation = i.organisation AND s.name = i.station AND s.kind = 'station'
JOIN memberships m ON m.organisation = s.organisation AND m.station = s.id
JOIN candidates c ON c.volunteer_id = m.volunteer_id AND c.organisation = m.organisation
LEFT JOIN member_positions p
    ON p.volunteer_id = c.volunteer_id AND p.organisation = c.organisation AND p.kind = 'live'
   AND (p.recorded_at >= i.fresh_since OR c.at IS NULL)
WHERE c.at IS NOT NULL OR p.at IS NOT NULL
ORDER BY i.n, metres, c.volunteer_id;
