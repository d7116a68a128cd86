-- name: next_subjects
-- Returns the next subjects in the order of their ids, of the journal or of a projection, whichever has them.
SELECT subject FROM (
    (SELECT DISTINCT stream AS subject FROM journal
     WHERE stream > $1 AND topic IN ('incident.events', 'dispatch.escalations') ORDER BY stream LIMIT $2)
    UNION
    (SELECT id FROM incidents WHERE id > $1 ORDER BY id LIMIT $2)
    UNION
    (SELECT DISTINCT subject_id FROM escalations WHERE subject_id > $1 ORDER BY subject_id LIMIT $2)
    UNION
    (SELECT DISTINCT subject FROM agenda WHERE subject > $1 ORDER BY subject LIMIT $2)
) AS known
ORDER BY subject LIMIT $2;

-- name: subject_homes
-- Returns the organisation and mode of subjects, as their first escalation says.
SELECT DISTINCT ON (stream) stream, organisation, mode FROM journal
WHERE stream = ANY ($1::uuid[]) AND topic = 'dispatch.escalations' ORDER BY stream, seq;

-- name: stored_incidents
-- Returns the rows of incidents.
SELECT id, organisation, mode, lane, report_id, kind, severity, status, plan_hash, lat, lon,
       array_to_string(hazards, ',') AS hazards, requested, reference, array_to_string(awaiting, ',') AS awaiting, seq,
       opened_at, last_at, armed_at, steps_done, last_step_at, ring, widened_at, retry_at, covered_at, ended_at,
       taken_by, engagement
FROM incidents WHERE id = ANY ($1::uuid[]);

-- name: stored_seats
-- Returns the rows of their seats.
SELECT incident_id, number, role, skill, array_to_string(all_skills, ',') AS all_skills,
       array_to_string(any_skills, ',') AS any_skills, min_age, reserve, assignment_id
FROM seats WHERE incident_id = ANY ($1::uuid[]);

-- name: stored_offers
-- Returns the rows of their offers.
SELECT incident_id, lane, id, volunteer_id, role, status, extended_at, expires_at, distance_m, round_id, settled_at,
       late
FROM offers WHERE incident_id = ANY ($1::uuid[]);

-- name: stored_assignments
-- Returns the rows of their assignments.
SELECT incident_id, lane, id, offer_id, volunteer_id, seat, status, assigned_at, en_route_at, on_scene_at, released_at,
       reason
FROM assignments WHERE incident_id = ANY ($1::uuid[]);

-- name: stored_recalls
-- Returns the rows of whom they recalled.
SELECT incident_id, volunteer_id, kind, at, acknowledged_at FROM recalls WHERE incident_id = ANY ($1::uuid[]);

-- name: stored_escalations
-- Returns the rows of the escalations of subjects.
SELECT organisation, mode, id, subject_kind, subject_id, reason, detail, level, page, turn, status, raised_at, told_at,
       acknowledged_by, lapses_at
FROM escalations WHERE subject_id = ANY ($1::uuid[]);

-- name: stored_agenda
-- Returns the rows of what is due for subjects.
SELECT subject, kind, subject_kind, organisation, severity, due_at FROM agenda WHERE subject = ANY ($1::uuid[]);

-- name: lock_projections
-- Keeps every writer out until the transaction ends; readers go on with what was there.
LOCK TABLE incidents, seats, offers, assignments, recalls, escalations, agenda IN EXCLUSIVE MODE;

-- name: wait_for_rounds
-- Checks only at the end of the transaction that the rounds have their incidents.
SET CONSTRAINTS rounds_incident_id_fkey DEFERRED;

-- name: allow_minutes
-- Lets this one transaction take its time.
SELECT set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true);

-- name: drop_unknown_rounds
-- Drops the rounds of incidents that the journal does not know.
DELETE FROM rounds r WHERE NOT EXISTS (SELECT FROM journal j WHERE j.stream = r.incident_id AND j.seq = 1);

-- name: drop_agenda
-- Empties the agenda.
DELETE FROM agenda;

-- name: drop_escalations
-- Empties the escalations.
DELETE FROM escalations;

-- name: drop_recalls
-- Empties the recalls.
DELETE FROM recalls;

-- name: drop_assignments
-- Empties the assignments.
DELETE FROM assignments;

-- name: drop_offers
-- Empties the offers.
DELETE FROM offers;

-- name: drop_seats
-- Empties the seats.
DELETE FROM seats;

-- name: drop_incidents
-- Empties the incidents.
DELETE FROM incidents;
