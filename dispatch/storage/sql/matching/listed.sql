-- name: search_listed
-- Returns the people on lists who are near incidents, as `search_nearest` finds them, however many others are nearer; a list that
-- was deleted has none.
SELECT i.n, c.volunteer_id, ground_metres(w.at, i.x, i.y, i.east, i.north) AS metres,
       candidate_gates(c, p.recorded_at, i.lane, q.availability, i.rested_since, i.fresh_since, i.asked_since, q.asked,
                       i.drill, :now) AS gates,
       coalesce(c.birth_date - date '2000-01-01', 2147483647) AS born, c.skills, w.at <-> point(i.x, i.y) AS projected
FROM unnest(:n::int[], :list::text[], :incident_id::uuid[], :organisation::uuid[], :lane::text[], :x::float8[],
            :y::float8[], :reach::float8[], :radius::float8[], :east::float8[], :north::float8[],
            :rested_since::timestamptz[], :fresh_since::timestamptz[], :availability::text[], :drill::bool[],
            :asked_since::timestamptz[])
     AS i (n, list, incident_id, organisation, lane, x, y, reach, radius, east, north, rested_since, fresh_since,
           availability, drill, asked_since)
CROSS JOIN LATERAL (SELECT ARRAY(SELECT o.volunteer_id FROM offers o WHERE o.incident_id = i.incident_id
                                 GROUP BY o.volunteer_id
                                 HAVING count(*) > 2 OR bool_or(o.missed IS DISTINCT FROM 'unsent')) AS asked,
                           string_to_array(i.availability, ',') AS availability OFFSET 0) AS q
JOIN list_members l ON l.organisation = i.organisation AND l.name = i.list
JOIN candidates c ON c.volunteer_id = l.volunteer_id AND c.organisation = l.organisation
LEFT JOIN member_positions p
    ON p.volunteer_id = c.volunteer_id AND p.organisation = c.organisation AND p.kind = 'live'
   AND (p.recorded_at >= i.fresh_since OR c.at IS NULL)
CROSS JOIN LATERAL (SELECT coalesce(p.at, c.at) AS at OFFSET 0) AS w
WHERE w.at <@ circle(point(i.x, i.y), i.reach)
ORDER BY i.n, projected, c.volunteer_id;
