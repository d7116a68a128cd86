-- name: escalation_subject
-- Returns the subject of an escalation of an organisation.
SELECT subject_kind, subject_id FROM escalations WHERE id = $1 AND organisation = $2;

-- name: lock_subject
-- Locks a subject that has no row of its own, until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended($1::text, 7));

-- name: subject_owner
-- Returns the organisation and mode of a subject that has escalations.
SELECT organisation, mode FROM escalations WHERE subject_id = $1 LIMIT 1;
