-- name: next_subjects
-- Returns the next subjects in the order of their ids, from the journal and the projections together.
SELECT subject FROM (
    (SELECT DISTINCT stream AS subject FROM journal
     WHERE stream > $1 AND topic IN ('incident.events', 'dispatch.escalations') ORDER BY stream LIMIT $2)
    UNION
    (SELECT id FROM incidents WHERE id > $1 ORDER BY id LIMIT $2)
    UNION
    (SELECT DISTINCT incident_id FROM seats WHERE incident_id > $1 ORDER BY incident_id LIMIT $2)
    UNION
    (SELECT DISTINCT incident_id FROM offers WHERE incident_id > $1 ORDER BY incident_id LIMIT $2)
    UNION
    (SELECT DISTINCT subject_id FROM escalations WHERE subject_id > $1 ORDER BY subject_id LIMIT $2)
    UNION
    (SELECT DISTINCT subject FROM agenda WHERE subject > $1 ORDER BY subject LIMIT $2)
) AS known
ORDER BY subject LIMIT $2;

-- name: owners_of_subjects
-- Returns the organisation and mode of subjects, from their first escalation.
SELECT DISTINCT ON (stream) stream, organisation, mode FROM journal
WHERE stream = ANY ($1::uuid[]) AND topic = 'dispatch.escalations' ORDER BY stream, seq;

-- name: wait_for_rounds
-- Defers the foreign key from rounds to incidents to the end of the transaction.
SET CONSTRAINTS rounds_incident_id_fkey DEFERRED;

-- name: lift_statement_timeout
-- Removes the statement time-out of this transaction.
SELECT set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true);

-- name: drop_unknown_rounds
-- Deletes the rounds of incidents that are missing from the journal.
DELETE FROM rounds r WHERE NOT EXISTS (SELECT FROM journal j WHERE j.stream = r.incident_id AND j.seq = 1);
