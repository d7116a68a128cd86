-- name: incident_is_of
-- Returns whether an incident belongs to an organisation.
SELECT EXISTS (SELECT FROM incidents WHERE id = $1 AND organisation = $2);

-- name: read_rounds
-- Returns the search rounds of an incident, with the volunteers who were picked or passed over and the reasons; and how
-- its plan chooses, with the order where the nearest are not simply first.
SELECT r.id, r.at, r.radius_m, r.wanted, r.picked, r.passed_over, r.passed, r.beyond, r.ranked,
       coalesce(p.body #>> '{search,choose}', 'nearest') AS choose
FROM rounds r JOIN incidents i ON i.id = r.incident_id JOIN plans p ON p.hash = i.plan_hash
WHERE r.incident_id = $1 ORDER BY r.at, r.id;

-- name: rounds_about
-- Returns the latest rounds of an organisation that may name a volunteer, whose id is given twice: as a uuid and in bytes.
-- Those before a member joined are not told: they would tell that the person, who had left, is known to another organisation.
SELECT r.at, r.picked, r.passed_over, r.passed, r.beyond
FROM (
    SELECT s.* FROM rounds s JOIN incidents i ON i.id = s.incident_id
    WHERE s.at >= :since AND i.organisation = :organisation
      AND s.at >= (SELECT joined_at FROM memberships
                   WHERE volunteer_id = :volunteer::uuid AND organisation = :organisation)
    ORDER BY s.at DESC LIMIT 2000
) AS r
WHERE position(:bytes::bytea IN r.passed) > 0
   OR r.passed IS NULL AND r.passed_over @> jsonb_build_array(jsonb_build_array(:volunteer::text))
   OR r.picked @> jsonb_build_array(jsonb_build_array(:volunteer::text))
ORDER BY r.at DESC LIMIT :most;

-- name: own_engagements
-- Returns the gates that the offers and assignments of an organisation shut for volunteers at some moments, by the bits of
-- `Gate`: rest (of a week at most), offer, engaged, often.
SELECT w.volunteer_id, w.at,
       CASE WHEN EXISTS (SELECT FROM assignments a JOIN incidents i ON i.id = a.incident_id
                         WHERE a.volunteer_id = w.volunteer_id AND i.organisation = $1 AND a.reason = 'done'
                           AND a.released_at > w.at - interval '7 days' AND a.released_at <= w.at)
            THEN 16 ELSE 0 END
       + CASE WHEN EXISTS (SELECT FROM offers o JOIN incidents i ON i.id = o.incident_id
                           WHERE o.volunteer_id = w.volunteer_id AND i.organisation = $1 AND o.extended_at <= w.at
                             AND coalesce(o.settled_at, 'infinity') >= w.at)
              THEN 64 ELSE 0 END
       + CASE WHEN EXISTS (SELECT FROM assignments a JOIN incidents i ON i.id = a.incident_id
                           WHERE a.volunteer_id = w.volunteer_id AND i.organisation = $1 AND a.assigned_at <= w.at
                             AND coalesce(a.released_at, 'infinity') >= w.at)
              THEN 128 ELSE 0 END
       + CASE WHEN (SELECT count(*) FROM offers o JOIN incidents i ON i.id = o.incident_id
                    WHERE o.volunteer_id = w.volunteer_id AND i.organisation = $1 AND o.missed IS NULL
                      AND o.extended_at > w.at - $4::interval AND o.extended_at <= w.at) >= $5
              THEN 2048 ELSE 0 END AS gates
FROM unnest($2::uuid[], $3::timestamptz[]) AS w (volunteer_id, at);
