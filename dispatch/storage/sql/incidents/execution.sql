-- name: lock_volunteers
-- Locks volunteers in the order of their ids.
SELECT id FROM volunteers WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE;

-- name: engaged_elsewhere
-- Of pairs of volunteer and incident, returns those whose volunteer is assigned, in the incident's lane, to an incident
-- outside $3.
SELECT w.volunteer_id, w.incident_id
FROM unnest($1::uuid[], $2::uuid[]) AS w (volunteer_id, incident_id)
JOIN incidents i ON i.id = w.incident_id
-- OFFSET 0 makes it one lookup per person: a free join would read every running assignment.
CROSS JOIN LATERAL (SELECT incident_id FROM assignments a
                    WHERE a.volunteer_id = w.volunteer_id AND a.lane = i.lane AND a.status <> 'released'
                    OFFSET 0) AS held
WHERE held.incident_id <> ALL ($3::uuid[]);
