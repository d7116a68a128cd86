-- name: skills_of_rosters
-- Returns how many people have each skill on each roster, and for how many it is valid at $1.
SELECT o.name AS organisation, s.skill, count(*) AS people,
       count(*) FILTER (WHERE s.expires_at IS NULL OR s.expires_at > $1) AS valid
FROM skills s
JOIN memberships m USING (volunteer_id, organisation)
JOIN organisations o ON o.id = m.organisation
WHERE m.left_at IS NULL
GROUP BY o.name, s.skill ORDER BY o.name, s.skill;

-- name: recent_kinds
-- Returns the kinds of the incidents opened since $1, the most frequent first.
SELECT kind, count(*) AS incidents FROM incidents
WHERE organisation IN (SELECT id FROM organisations) AND opened_at > $1
GROUP BY kind ORDER BY count(*) DESC, kind;

-- name: muster_points_of_all
-- Returns the muster points of all organisations, and how many members each station has.
SELECT o.name AS organisation, p.name,
       CASE WHEN p.kind = 'station'
            THEN (SELECT count(*) FROM memberships m
                  WHERE m.organisation = p.organisation AND m.station = p.id AND m.left_at IS NULL) END AS members
FROM muster_points p JOIN organisations o ON o.id = p.organisation ORDER BY o.name, p.name;

-- name: names_of_lists
-- Returns the names of all lists of people.
SELECT DISTINCT name FROM lists ORDER BY name;

-- name: can_fill
-- Returns whether anybody on a roster has the skills and the age for a seat, and is let through by the lists of its plan.
SELECT EXISTS (
    SELECT FROM candidates c CROSS JOIN LATERAL valid_skills(c.skills, :now) AS s
    WHERE c.left_at IS NULL AND c.birth_date <= :born_before AND :all_skills::text[] <@ s.valid
      AND (:any_skills::text[] = '{}' OR :any_skills::text[] && s.valid)
      AND (:only::text IS NULL OR EXISTS (SELECT FROM list_members l
                                          WHERE l.volunteer_id = c.volunteer_id AND l.organisation = c.organisation
                                            AND l.name = :only))
      AND NOT EXISTS (SELECT FROM list_members l
                      WHERE l.volunteer_id = c.volunteer_id AND l.organisation = c.organisation AND l.name = :never)
);
