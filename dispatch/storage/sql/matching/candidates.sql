-- name: write_rounds
-- Stores search rounds: the reasons for which volunteers near an incident were or were not picked.
INSERT INTO rounds (id, incident_id, at, radius_m, wanted, picked, passed_over)
SELECT r.id, r.incident_id, r.at, r.radius_m, r.wanted, r.picked::jsonb, r.passed_over::jsonb
FROM unnest(:id::uuid[], :incident_id::uuid[], :at::timestamptz[], :radius_m::int[], :wanted::int[], :picked::text[],
            :passed_over::text[])
     AS r (id, incident_id, at, radius_m, wanted, picked, passed_over);

-- name: search_nearest
-- Returns, for each incident, the 60 candidates whose base is nearest and, no farther, the nearest 60 who are tracked.
-- A candidate is packed in 32 bytes: the id, the distance, the gates except those of skill and age, and the birth date,
-- where an unknown one is later than every date. The skills are lines of a text, in the same order.
-- OFFSET 0 preserves the look by index: Postgres would gather everybody who is tracked, anew for each incident.
SELECT i.n, b.packed, b.skills, l.packed, l.skills
FROM unnest(:n::int[], :incident_id::uuid[], :organisation::uuid[], :lane::text[], :x::float8[], :y::float8[],
            :radius::float8[], :stretch::float8[], :rested_since::timestamptz[], :fresh_since::timestamptz[],
            :availability::text[], :drill::bool[], :asked_since::timestamptz[])
     AS i (n, incident_id, organisation, lane, x, y, radius, stretch, rested_since, fresh_since, availability, drill,
           asked_since)
CROSS JOIN LATERAL (SELECT ARRAY(SELECT o.volunteer_id FROM offers o WHERE o.incident_id = i.incident_id) AS asked,
                           string_to_array(i.availability, ',') AS availability OFFSET 0) AS q
CROSS JOIN LATERAL (
    SELECT string_agg(uuid_send(f.volunteer_id) || float8send(f.metres / i.stretch) || int4send(f.gates)
                      || date_send(f.born), '') AS packed,
           string_agg(f.skills, E'\n') AS skills,
           CASE WHEN count(*) = 60 THEN max(f.metres) ELSE i.radius END AS reach
    FROM (
        SELECT c.volunteer_id, c.at <-> point(i.x, i.y) AS metres, coalesce(c.birth_date, 'infinity') AS born, c.skills,
               candidate_gates(c, NULL, i.lane, q.availability, i.rested_since, i.fresh_since, i.asked_since, q.asked,
                               i.drill, :now) AS gates
        FROM candidates c
        WHERE c.at <@ circle(point(i.x, i.y), i.radius) AND c.organisation = i.organisation
          AND NOT (c.tracked AND EXISTS (SELECT FROM positions p
                                         WHERE p.volunteer_id = c.volunteer_id AND p.kind = 'live'
                                           AND p.recorded_at >= i.fresh_since OFFSET 0))
        ORDER BY c.at <-> point(i.x, i.y)
        LIMIT 60
    ) AS f
) AS b
CROSS JOIN LATERAL (
    SELECT string_agg(uuid_send(f.volunteer_id) || float8send(f.metres / i.stretch) || int4send(f.gates)
                      || date_send(f.born), '') AS packed,
           string_agg(f.skills, E'\n') AS skills
    FROM (
        SELECT p.volunteer_id, p.at <-> point(i.x, i.y) AS metres, m.born, m.skills, m.gates
        FROM positions p
        CROSS JOIN LATERAL (
            SELECT c.at, coalesce(c.birth_date, 'infinity') AS born, c.skills,
                   candidate_gates(c, p.recorded_at, i.lane, q.availability, i.rested_since, i.fresh_since,
                                   i.asked_since, q.asked, i.drill, :now) AS gates
            FROM candidates c
            WHERE c.volunteer_id = p.volunteer_id AND c.organisation = i.organisation OFFSET 0
        ) AS m
        WHERE p.kind = 'live' AND p.at <@ circle(point(i.x, i.y), b.reach)
          AND (p.recorded_at >= i.fresh_since
               OR m.at IS NULL AND NOT EXISTS (SELECT FROM positions h
                                               WHERE h.volunteer_id = p.volunteer_id AND h.kind <> 'live' OFFSET 0))
        ORDER BY p.at <-> point(i.x, i.y)
        LIMIT 60
    ) AS f
) AS l;

-- name: search_farther
-- Returns the nearest who pass every gate, for each role of an incident, at a distance or beyond it.
SELECT i.n, c.volunteer_id, c.metres
FROM unnest(:n::int[], :incident_id::uuid[], :organisation::uuid[], :lane::text[], :x::float8[], :y::float8[],
            :radius::float8[], :stretch::float8[], :rested_since::timestamptz[], :fresh_since::timestamptz[],
            :availability::text[], :drill::bool[], :asked_since::timestamptz[], :born_before::date[],
            :all_skills::text[], :any_skills::text[], :nearest::float8[], :most::int[])
     AS i (n, incident_id, organisation, lane, x, y, radius, stretch, rested_since, fresh_since, availability, drill,
           asked_since, born_before, all_skills, any_skills, nearest, most)
CROSS JOIN LATERAL (SELECT ARRAY(SELECT o.volunteer_id FROM offers o WHERE o.incident_id = i.incident_id) AS asked,
                           string_to_array(i.availability, ',') AS availability,
                           string_to_array(i.all_skills, ',') AS all_skills,
                           string_to_array(i.any_skills, ',') AS any_skills OFFSET 0) AS q
CROSS JOIN LATERAL (
    (
        SELECT c.volunteer_id, (c.at <-> point(i.x, i.y)) / i.stretch AS metres
        FROM candidates c CROSS JOIN LATERAL valid_skills(c.skills, :now) AS s
        WHERE c.at <@ circle(point(i.x, i.y), i.radius) AND c.organisation = i.organisation
          AND (c.at <-> point(i.x, i.y)) / i.stretch >= i.nearest
          AND c.birth_date <= i.born_before
          AND candidate_gates(c, NULL, i.lane, q.availability, i.rested_since, i.fresh_since, i.asked_since, q.asked,
                              i.drill, :now) = 0
          AND q.all_skills <@ s.valid AND (q.any_skills = '{}' OR q.any_skills && s.valid)
          AND NOT (c.tracked AND EXISTS (SELECT FROM positions p
                                         WHERE p.volunteer_id = c.volunteer_id AND p.kind = 'live'
                                           AND p.recorded_at >= i.fresh_since OFFSET 0))
        ORDER BY c.at <-> point(i.x, i.y)
        LIMIT i.most
    )
    UNION ALL
    (
        SELECT p.volunteer_id, (p.at <-> point(i.x, i.y)) / i.stretch AS metres
        FROM positions p
        CROSS JOIN LATERAL (
            SELECT FROM candidates c CROSS JOIN LATERAL valid_skills(c.skills, :now) AS s
            WHERE c.volunteer_id = p.volunteer_id AND c.organisation = i.organisation
              AND c.birth_date <= i.born_before
              AND candidate_gates(c, p.recorded_at, i.lane, q.availability, i.rested_since, i.fresh_since,
                                  i.asked_since, q.asked, i.drill, :now) = 0
              AND q.all_skills <@ s.valid AND (q.any_skills = '{}' OR q.any_skills && s.valid) OFFSET 0
        ) AS m
        WHERE p.kind = 'live' AND p.at <@ circle(point(i.x, i.y), i.radius) AND p.recorded_at >= i.fresh_since
          AND (p.at <-> point(i.x, i.y)) / i.stretch >= i.nearest
        ORDER BY p.at <-> point(i.x, i.y)
        LIMIT i.most
    )
    ORDER BY metres
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
