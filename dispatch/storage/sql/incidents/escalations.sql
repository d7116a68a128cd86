-- name: escalation_subject
-- Returns the subject of an escalation of an organisation.
SELECT subject_kind, subject_id FROM escalations WHERE id = $1 AND organisation = $2;

-- name: lock_subject
-- Locks a subject that has no row of its own, until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended($1::text, 7));

-- name: subject_owner
-- Returns the organisation and mode of a subject that has escalations.
SELECT organisation, mode FROM escalations WHERE subject_id = $1 LIMIT 1;

-- name: read_escalations
-- Returns the escalations of subjects.
SELECT subject_id, id, subject_kind, reason, detail, level, page, turn, status, raised_at, told_at, acknowledged_by,
       lapses_at
FROM escalations WHERE subject_id = ANY ($1::uuid[]) ORDER BY subject_id, raised_at, id;

-- name: write_escalations
-- Writes escalations; the settled ones come first.
INSERT INTO escalations (organisation, mode, id, subject_kind, subject_id, reason, detail, level, page, turn, status,
                         raised_at, told_at, acknowledged_by, lapses_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::int[],
                     $9::bool[], $10::int[], $11::text[], $12::timestamptz[], $13::timestamptz[], $14::text[],
                     $15::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    detail = excluded.detail, level = excluded.level, page = excluded.page, turn = excluded.turn,
    status = excluded.status, told_at = excluded.told_at, acknowledged_by = excluded.acknowledged_by,
    lapses_at = excluded.lapses_at;
