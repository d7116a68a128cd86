-- name: standings
-- Returns of some members what a plan that does not simply ask the nearest wants to know: their availability, whether
-- they are on the lists `only` and `never`, and, where `turn` is set, when they were last assigned to an incident of the
-- organisation and the mode; one from which they withdrew was none.
-- OFFSET 0 makes it one lookup per assignment: in a free join Postgres may read every incident of the organisation.
SELECT m.volunteer_id, m.availability,
       EXISTS (SELECT FROM list_members l WHERE l.organisation = m.organisation AND l.name = :only
                                            AND l.volunteer_id = m.volunteer_id) AS listed,
       EXISTS (SELECT FROM list_members l WHERE l.organisation = m.organisation AND l.name = :never
                                            AND l.volunteer_id = m.volunteer_id) AS barred,
       CASE WHEN :turn::bool THEN (
           SELECT max(a.assigned_at) FROM assignments a
           CROSS JOIN LATERAL (SELECT FROM incidents i WHERE i.id = a.incident_id AND i.organisation = m.organisation
                                                         AND i.mode = :mode OFFSET 0) AS i
           WHERE a.volunteer_id = m.volunteer_id AND a.reason IS DISTINCT FROM 'withdrew') END AS last_assigned_at
FROM memberships m
WHERE m.organisation = :organisation AND m.volunteer_id = ANY (:people::uuid[]);
