-- name: write_rounds
-- Stores search rounds: the reasons for which volunteers near an incident were or were not picked.
INSERT INTO rounds (id, incident_id, at, radius_m, wanted, picked, passed_over)
SELECT r.id, r.incident_id, r.at, r.radius_m, r.wanted, r.picked::jsonb, r.passed_over::jsonb
FROM unnest(:id::uuid[], :incident_id::uuid[], :at::timestamptz[], :radius_m::int[], :wanted::int[], :picked::text[],
            :passed_over::text[])
     AS r (id, incident_id, at, radius_m, wanted, picked, passed_over);

-- name: search_nearest
-- Returns the nearest 60 of each incident with the gates that exclude them, except that of the skill, and their skills.
-- OFFSET 0 preserves the index scan in order of distance: in a free join, a whole neighbourhood is sorted.
-- The bits are those of `Gate`: `gates_of` sets all of them but one. That one, `often`, is for a volunteer who got
-- `asked_most` offers in the lane since a moment; where the moment is null it is never set.
SELECT i.n, c.volunteer_id, c.metres, c.gates, c.skills
FROM unnest(:n::int[], :incident_id::uuid[], :organisation::uuid[], :lane::text[], :x::float8[], :y::float8[],
            :radius::float8[], :stretch::float8[], :born_before::date[], :rested_since::timestamptz[],
            :fresh_since::timestamptz[], :availability::text[], :drill::bool[], :asked_since::timestamptz[])
     AS i (n, incident_id, organisation, lane, x, y, radius, stretch, born_before, rested_since, fresh_since,
           availability, drill, asked_since)
CROSS JOIN LATERAL (SELECT ARRAY(SELECT o.volunteer_id FROM offers o WHERE o.incident_id = i.incident_id) AS asked,
                           string_to_array(i.availability, ',') AS availability OFFSET 0) AS q
CROSS JOIN LATERAL (
    SELECT p.volunteer_id, ((p.at <-> point(i.x, i.y)) / i.stretch)::float8 AS metres,
           g.gates + CASE WHEN (SELECT count(*) FROM offers o
                                WHERE o.volunteer_id = p.volunteer_id AND o.lane = i.lane
                                  AND o.extended_at > i.asked_since) >= :asked_most THEN :often::int ELSE 0 END AS gates,
           ARRAY(SELECT s.skill FROM skills s
                 WHERE s.volunteer_id = p.volunteer_id AND s.organisation = i.organisation
                   AND (s.expires_at IS NULL OR s.expires_at > :now)) AS skills
    FROM positions p
    CROSS JOIN LATERAL (SELECT * FROM memberships m
                        WHERE m.volunteer_id = p.volunteer_id AND m.organisation = i.organisation OFFSET 0) AS m
    CROSS JOIN LATERAL gates_of(p.volunteer_id, p.kind, p.recorded_at, m.availability, m.consent, m.left_at, q.asked,
                                i.lane, i.born_before, i.rested_since, i.fresh_since, q.availability, i.drill) AS g
    WHERE p.at <@ circle(point(i.x, i.y), i.radius)
    ORDER BY p.at <-> point(i.x, i.y)
    LIMIT 60
) AS c
ORDER BY i.n, c.metres, c.volunteer_id;

-- name: search_farther
-- Returns the nearest who pass every gate, for each role of an incident, at a distance or beyond it.
SELECT i.n, c.volunteer_id, c.metres
FROM unnest(:n::int[], :incident_id::uuid[], :organisation::uuid[], :lane::text[], :x::float8[], :y::float8[],
            :radius::float8[], :stretch::float8[], :born_before::date[], :rested_since::timestamptz[],
            :fresh_since::timestamptz[], :availability::text[], :drill::bool[], :asked_since::timestamptz[],
            :all_skills::text[], :any_skills::text[], :nearest::float8[], :most::int[])
     AS i (n, incident_id, organisation, lane, x, y, radius, stretch, born_before, rested_since, fresh_since,
           availability, drill, asked_since, all_skills, any_skills, nearest, most)
CROSS JOIN LATERAL (SELECT ARRAY(SELECT o.volunteer_id FROM offers o WHERE o.incident_id = i.incident_id) AS asked,
                           string_to_array(i.availability, ',') AS availability,
                           string_to_array(i.all_skills, ',') AS all_skills,
                           string_to_array(i.any_skills, ',') AS any_skills OFFSET 0) AS q
CROSS JOIN LATERAL (
    SELECT p.volunteer_id, ((p.at <-> point(i.x, i.y)) / i.stretch)::float8 AS metres
    FROM positions p
    CROSS JOIN LATERAL (SELECT * FROM memberships m
                        WHERE m.volunteer_id = p.volunteer_id AND m.organisation = i.organisation OFFSET 0) AS m
    CROSS JOIN LATERAL gates_of(p.volunteer_id, p.kind, p.recorded_at, m.availability, m.consent, m.left_at, q.asked,
                                i.lane, i.born_before, i.rested_since, i.fresh_since, q.availability, i.drill) AS g
    CROSS JOIN LATERAL (SELECT ARRAY(SELECT s.skill FROM skills s
                                     WHERE s.volunteer_id = p.volunteer_id AND s.organisation = i.organisation
                                       AND (s.expires_at IS NULL OR s.expires_at > :now)) AS skills OFFSET 0) AS h
    WHERE p.at <@ circle(point(i.x, i.y), i.radius)
      AND ((p.at <-> point(i.x, i.y)) / i.stretch)::float8 >= i.nearest
      AND q.all_skills <@ h.skills AND (q.any_skills = '{}' OR q.any_skills && h.skills)
      AND g.gates = 0
      AND (SELECT count(*) FROM offers o
           WHERE o.volunteer_id = p.volunteer_id AND o.lane = i.lane AND o.extended_at > i.asked_since) < :asked_most
    ORDER BY p.at <-> point(i.x, i.y)
    LIMIT i.most
) AS c
ORDER BY i.n, c.metres, c.volunteer_id;

-- name: claim_volunteers
-- Locks those of the volunteers that no other transaction holds, in the order of their ids, and returns them.
SELECT id FROM volunteers WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED;

-- name: free_volunteers
-- Returns those of claimed volunteers who have no live offer and no assignment in the lane, as committed by now.
SELECT w.volunteer_id, w.lane
FROM unnest($1::uuid[], $2::text[]) AS w (volunteer_id, lane)
WHERE NOT EXISTS (SELECT FROM offers o
                  WHERE o.volunteer_id = w.volunteer_id AND o.lane = w.lane AND o.status = 'extended' OFFSET 0)
  AND NOT EXISTS (SELECT FROM assignments a
                  WHERE a.volunteer_id = w.volunteer_id AND a.lane = w.lane AND a.status <> 'released' OFFSET 0)
  AND NOT EXISTS (SELECT FROM volunteers v WHERE v.id = w.volunteer_id AND v.stopped_at IS NOT NULL OFFSET 0);

-- name: paused_organisations
-- Returns those of the organisations that have paused new offers.
SELECT id FROM organisations WHERE id = ANY ($1::uuid[]) AND paused_at IS NOT NULL;
