-- name: write_rounds
-- Stores search rounds: the reasons for which volunteers near an incident were or were not picked.
INSERT INTO rounds (id, incident_id, at, radius_m, wanted, picked, passed, beyond, ranked)
SELECT r.id, r.incident_id, r.at, r.radius_m, r.wanted, r.picked::jsonb, r.passed, r.beyond::jsonb, r.ranked
FROM unnest(:id::uuid[], :incident_id::uuid[], :at::timestamptz[], :radius_m::int[], :wanted::int[], :picked::text[],
            :passed::bytea[], :beyond::text[], :ranked::bytea[])
     AS r (id, incident_id, at, radius_m, wanted, picked, passed, beyond, ranked);

-- name: search_nearest
-- Returns, for each incident, the candidates whose base is nearest, from a projected distance on, and, no farther, the
-- nearest who are tracked: so many of each. `reach` is the projected distance up to which they are complete.
-- Somebody to whom an offer of the incident was never sent may be asked again, twice.
-- A candidate is packed in 40 bytes: the id, the projected metres, the metres, the gates except those of skill and age,
-- and the birth date, where an unknown one is later than every date. The skills are lines of a text, in the same order.
-- OFFSET 0 preserves the look by index: Postgres would gather everybody who is tracked, anew for each incident.
SELECT i.n, b.packed, b.skills, l.packed, l.skills, l.reach
FROM unnest(:n::int[], :beyond::float8[], :incident_id::uuid[], :organisation::uuid[], :lane::text[], :x::float8[],
            :y::float8[], :reach::float8[], :radius::float8[], :east::float8[], :north::float8[],
            :rested_since::timestamptz[], :fresh_since::timestamptz[], :availability::text[], :drill::bool[],
            :asked_since::timestamptz[])
     AS i (n, beyond, incident_id, organisation, lane, x, y, reach, radius, east, north, rested_since, fresh_since,
           availability, drill, asked_since)
CROSS JOIN LATERAL (SELECT ARRAY(SELECT o.volunteer_id FROM offers o WHERE o.incident_id = i.incident_id
                                 GROUP BY o.volunteer_id
                                 HAVING count(*) > 2 OR bool_or(o.missed IS DISTINCT FROM 'unsent')) AS asked,
                           string_to_array(i.availability, ',') AS availability OFFSET 0) AS q
CROSS JOIN LATERAL (
    SELECT string_agg(uuid_send(f.volunteer_id) || float8send(f.projected) || float8send(f.metres)
                      || int4send(f.gates) || date_send(f.born), '') AS packed,
           string_agg(f.skills, E'\n') AS skills,
           CASE WHEN count(*) = :most THEN max(f.projected) ELSE i.reach END AS reach
    FROM (
        SELECT c.volunteer_id, c.at <-> point(i.x, i.y) AS projected,
               ground_metres(c.at, i.x, i.y, i.east, i.north) AS metres,
               coalesce(c.birth_date, 'infinity') AS born, c.skills,
               candidate_gates(c, NULL, i.lane, q.availability, i.rested_since, i.fresh_since, i.asked_since, q.asked,
                               i.drill, :now) AS gates
        FROM candidates c
        WHERE c.at <@ circle(point(i.x, i.y), i.reach) AND c.organisation = i.organisation
          AND c.at <-> point(i.x, i.y) >= i.beyond
          AND NOT (c.tracked AND EXISTS (SELECT FROM member_positions p
                                         WHERE p.volunteer_id = c.volunteer_id AND p.organisation = c.organisation
                                           AND p.kind = 'live'
                                           AND p.recorded_at >= i.fresh_since OFFSET 0))
        ORDER BY c.at <-> point(i.x, i.y)
        LIMIT :most
    ) AS f
) AS b
CROSS JOIN LATERAL (
    SELECT string_agg(uuid_send(f.volunteer_id) || float8send(f.projected) || float8send(f.metres)
                      || int4send(f.gates) || date_send(f.born), '') AS packed,
           string_agg(f.skills, E'\n') AS skills,
           CASE WHEN count(*) = :most THEN max(f.projected) ELSE b.reach END AS reach
    FROM (
        SELECT p.volunteer_id, p.at <-> point(i.x, i.y) AS projected,
               ground_metres(p.at, i.x, i.y, i.east, i.north) AS metres, m.born, m.skills, m.gates
        FROM member_positions p
        CROSS JOIN LATERAL (
            SELECT c.at, coalesce(c.birth_date, 'infinity') AS born, c.skills,
                   candidate_gates(c, p.recorded_at, i.lane, q.availability, i.rested_since, i.fresh_since,
                                   i.asked_since, q.asked, i.drill, :now) AS gates
            FROM candidates c
            WHERE c.volunteer_id = p.volunteer_id AND c.organisation = p.organisation OFFSET 0
        ) AS m
        WHERE p.kind = 'live' AND p.organisation = i.organisation AND p.at <@ circle(point(i.x, i.y), b.reach)
          AND p.at <-> point(i.x, i.y) >= i.beyond
          AND (p.recorded_at >= i.fresh_since
               OR m.at IS NULL AND NOT EXISTS (SELECT FROM member_positions h
                                               WHERE h.volunteer_id = p.volunteer_id
                                                 AND h.organisation = p.organisation AND h.kind <> 'live' OFFSET 0))
        ORDER BY p.at <-> point(i.x, i.y)
        LIMIT :most
    ) AS f
) AS l;

-- name: search_farther
-- Returns the nearest who pass every gate, for each role of an incident, at a projected distance or beyond it. Who has a
-- planned mission at its time passes none of a planned one.
SELECT i.n, c.volunteer_id, c.metres, c.projected
FROM unnest(:n::int[], :incident_id::uuid[], :organisation::uuid[], :lane::text[], :x::float8[], :y::float8[],
            :reach::float8[], :radius::float8[], :east::float8[], :north::float8[], :rested_since::timestamptz[],
            :fresh_since::timestamptz[], :availability::text[], :drill::bool[], :asked_since::timestamptz[],
            :born_before::date[], :all_skills::text[], :any_skills::text[], :nearest::float8[], :most::int[],
            :needed_until::timestamptz[], :busy_from::timestamptz[], :busy_until::timestamptz[])
     AS i (n, incident_id, organisation, lane, x, y, reach, radius, east, north, rested_since, fresh_since,
           availability, drill, asked_since, born_before, all_skills, any_skills, nearest, most, needed_until,
           busy_from, busy_until)
CROSS JOIN LATERAL (SELECT ARRAY(SELECT o.volunteer_id FROM offers o WHERE o.incident_id = i.incident_id
                                 GROUP BY o.volunteer_id
                                 HAVING count(*) > 2 OR bool_or(o.missed IS DISTINCT FROM 'unsent')) AS asked,
                           string_to_array(i.availability, ',') AS availability,
                           string_to_array(i.all_skills, ',') AS all_skills,
                           string_to_array(i.any_skills, ',') AS any_skills OFFSET 0) AS q
CROSS JOIN LATERAL (
    (
        SELECT c.volunteer_id, c.at <-> point(i.x, i.y) AS projected,
               ground_metres(c.at, i.x, i.y, i.east, i.north) AS metres
        FROM candidates c CROSS JOIN LATERAL valid_skills(c.skills, i.needed_until) AS s
        WHERE c.at <@ circle(point(i.x, i.y), i.reach) AND c.organisation = i.organisation
          AND c.at <-> point(i.x, i.y) >= i.nearest
          AND c.birth_date <= i.born_before
          AND candidate_gates(c, NULL, i.lane, q.availability, i.rested_since, i.fresh_since, i.asked_since, q.asked,
                              i.drill, :now) = 0
          AND q.all_skills <@ s.valid AND (q.any_skills = '{}' OR q.any_skills && s.valid)
          AND ground_metres(c.at, i.x, i.y, i.east, i.north) <= i.radius
          AND NOT (c.tracked AND EXISTS (SELECT FROM member_positions p
                                         WHERE p.volunteer_id = c.volunteer_id AND p.organisation = c.organisation
                                           AND p.kind = 'live'
                                           AND p.recorded_at >= i.fresh_since OFFSET 0))
          AND NOT (i.lane = 'planned'
                   AND EXISTS (SELECT FROM assignments a
                               WHERE a.volunteer_id = c.volunteer_id AND a.lane = 'planned' AND a.status <> 'released'
                                 AND tstzrange(a.busy_from, a.busy_until) && tstzrange(i.busy_from, i.busy_until) OFFSET 0))
        ORDER BY c.at <-> point(i.x, i.y)
        LIMIT i.most
    )
    UNION ALL
    (
        SELECT p.volunteer_id, p.at <-> point(i.x, i.y) AS projected,
               ground_metres(p.at, i.x, i.y, i.east, i.north) AS metres
        FROM member_positions p
        CROSS JOIN LATERAL (
            SELECT FROM candidates c CROSS JOIN LATERAL valid_skills(c.skills, i.needed_until) AS s
            WHERE c.volunteer_id = p.volunteer_id AND c.organisation = p.organisation
              AND c.birth_date <= i.born_before
              AND candidate_gates(c, p.recorded_at, i.lane, q.availability, i.rested_since, i.fresh_since,
                                  i.asked_since, q.asked, i.drill, :now) = 0
              AND q.all_skills <@ s.valid AND (q.any_skills = '{}' OR q.any_skills && s.valid) OFFSET 0
        ) AS m
        WHERE p.kind = 'live' AND p.organisation = i.organisation AND p.at <@ circle(point(i.x, i.y), i.reach)
          AND p.recorded_at >= i.fresh_since AND p.at <-> point(i.x, i.y) >= i.nearest
          AND ground_metres(p.at, i.x, i.y, i.east, i.north) <= i.radius
          AND NOT (i.lane = 'planned'
                   AND EXISTS (SELECT FROM assignments a
                               WHERE a.volunteer_id = p.volunteer_id AND a.lane = 'planned' AND a.status <> 'released'
                                 AND tstzrange(a.busy_from, a.busy_until) && tstzrange(i.busy_from, i.busy_until) OFFSET 0))
        ORDER BY p.at <-> point(i.x, i.y)
        LIMIT i.most
    )
    ORDER BY metres
    LIMIT i.most
) AS c
ORDER BY i.n, c.metres, c.volunteer_id;

-- name: count_beyond
-- Counts, for each incident, the candidates from a projected distance on, the nearest so many at a base and so many of
-- those who are tracked: by their gates except those of skill and age, their skills, and how many dates they are born on
-- or after. It reads as `search_nearest` does, and packs nobody.
SELECT i.n, g.live, g.gates, g.skills, g.young, g.people
FROM unnest(:n::int[], :beyond::float8[], :born_after::text[], :incident_id::uuid[], :organisation::uuid[],
            :lane::text[], :x::float8[], :y::float8[], :reach::float8[], :radius::float8[], :east::float8[],
            :north::float8[], :rested_since::timestamptz[], :fresh_since::timestamptz[], :availability::text[],
            :drill::bool[], :asked_since::timestamptz[])
     AS i (n, beyond, born_after, incident_id, organisation, lane, x, y, reach, radius, east, north, rested_since,
           fresh_since, availability, drill, asked_since)
CROSS JOIN LATERAL (SELECT ARRAY(SELECT o.volunteer_id FROM offers o WHERE o.incident_id = i.incident_id
                                 GROUP BY o.volunteer_id
                                 HAVING count(*) > 2 OR bool_or(o.missed IS DISTINCT FROM 'unsent')) AS asked,
                           string_to_array(i.availability, ',') AS availability,
                           string_to_array(i.born_after, ',')::date[] AS born_after OFFSET 0) AS q
CROSS JOIN LATERAL (
    SELECT f.live, f.gates, f.skills, f.young, count(*)::int AS people
    FROM (
        (
            SELECT false AS live, c.skills,
                   width_bucket(coalesce(c.birth_date, 'infinity'), q.born_after) AS young,
                   candidate_gates(c, NULL, i.lane, q.availability, i.rested_since, i.fresh_since, i.asked_since,
                                   q.asked, i.drill, :now) AS gates
            FROM candidates c
            WHERE c.at <@ circle(point(i.x, i.y), i.reach) AND c.organisation = i.organisation
              AND c.at <-> point(i.x, i.y) >= i.beyond
              AND ground_metres(c.at, i.x, i.y, i.east, i.north) <= i.radius
              AND NOT (c.tracked AND EXISTS (SELECT FROM member_positions p
                                             WHERE p.volunteer_id = c.volunteer_id AND p.organisation = c.organisation
                                               AND p.kind = 'live'
                                               AND p.recorded_at >= i.fresh_since OFFSET 0))
            ORDER BY c.at <-> point(i.x, i.y)
            LIMIT :most
        )
        UNION ALL
        (
            SELECT true, m.skills, width_bucket(m.born, q.born_after), m.gates
            FROM member_positions p
            CROSS JOIN LATERAL (
                SELECT c.at, coalesce(c.birth_date, 'infinity') AS born, c.skills,
                       candidate_gates(c, p.recorded_at, i.lane, q.availability, i.rested_since, i.fresh_since,
                                       i.asked_since, q.asked, i.drill, :now) AS gates
                FROM candidates c
                WHERE c.volunteer_id = p.volunteer_id AND c.organisation = p.organisation OFFSET 0
            ) AS m
            WHERE p.kind = 'live' AND p.organisation = i.organisation AND p.at <@ circle(point(i.x, i.y), i.reach)
              AND p.at <-> point(i.x, i.y) >= i.beyond
              AND ground_metres(p.at, i.x, i.y, i.east, i.north) <= i.radius
              AND (p.recorded_at >= i.fresh_since
                   OR m.at IS NULL AND NOT EXISTS (SELECT FROM member_positions h
                                                   WHERE h.volunteer_id = p.volunteer_id
                                                     AND h.organisation = p.organisation AND h.kind <> 'live' OFFSET 0))
            ORDER BY p.at <-> point(i.x, i.y)
            LIMIT :most
        )
    ) AS f
    GROUP BY f.live, f.gates, f.skills, f.young
) AS g;

-- name: claim_volunteers
-- Locks those of the volunteers that no other transaction holds, in the order of their ids, and returns them.
SELECT id FROM volunteers WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED;

-- name: free_volunteers
-- Returns those of claimed volunteers who have no live offer and no assignment in a lane other than the planned, and are
-- members of the organisation who have not said STOP to it, as committed by now; each with those whom they must not meet
-- there, and whether a mission at :now keeps them from any other, or a planned one is at the time of the incident.
SELECT w.volunteer_id, w.incident_id,
       ARRAY(SELECT p.other FROM apart p WHERE p.volunteer_id = w.volunteer_id AND p.organisation = w.organisation) AS apart,
       EXISTS (SELECT FROM assignments a
               WHERE a.volunteer_id = w.volunteer_id AND a.status <> 'released' AND a.incident_id <> w.incident_id
                 AND (a.lane = 'planned' AND w.lane = 'planned'
                      AND tstzrange(a.busy_from, a.busy_until) && tstzrange(w.busy_from, w.busy_until)
                      OR tstzrange(a.busy_from, a.busy_until) @> :now::timestamptz
                      AND (SELECT p.body -> 'interruptible' FROM incidents b JOIN plans p ON p.hash = b.plan_hash
                           WHERE b.id = a.incident_id) = 'false') OFFSET 0) AS busy
FROM unnest(:volunteer_id::uuid[], :organisation::uuid[], :lane::text[], :incident_id::uuid[], :busy_from::timestamptz[],
            :busy_until::timestamptz[])
     AS w (volunteer_id, organisation, lane, incident_id, busy_from, busy_until)
WHERE (w.lane = 'planned'
       OR NOT EXISTS (SELECT FROM offers o
                      WHERE o.volunteer_id = w.volunteer_id AND o.lane = w.lane AND o.status = 'extended' OFFSET 0)
          AND NOT EXISTS (SELECT FROM assignments a
                          WHERE a.volunteer_id = w.volunteer_id AND a.lane = w.lane AND a.status <> 'released' OFFSET 0))
  AND EXISTS (SELECT FROM memberships m
              WHERE m.volunteer_id = w.volunteer_id AND m.organisation = w.organisation
                AND m.stopped_at IS NULL AND m.left_at IS NULL OFFSET 0);
