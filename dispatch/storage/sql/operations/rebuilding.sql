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

-- name: wait_for_rounds
-- Checks only at the end of the transaction that the rounds have their incidents.
SET CONSTRAINTS rounds_incident_id_fkey DEFERRED;

-- name: allow_minutes
-- Lets this one transaction take its time.
SELECT set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true);

-- name: drop_unknown_rounds
-- Drops the rounds of incidents that the journal does not know.
DELETE FROM rounds r WHERE NOT EXISTS (SELECT FROM journal j WHERE j.stream = r.incident_id AND j.seq = 1);
