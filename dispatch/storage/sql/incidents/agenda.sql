-- name: due_subjects
-- Returns what is due: the most severe first, with a share kept for the less severe that have waited longest.
-- Left out: what was set aside, considering while an organisation is paused, and expiry while an answer is unworked.
-- OFFSET 0 keeps the looks at offers and answers to those of one entry: joined freely, all there are may be gathered.
WITH due AS NOT MATERIALIZED (
    SELECT a.subject, a.subject_kind, a.organisation, a.severity, a.due_at
    FROM agenda a
    WHERE a.due_at <= $1
      AND a.subject <> ALL ($5::uuid[])
      AND NOT (a.kind = 'consider'
               AND EXISTS (SELECT FROM organisations o WHERE o.id = a.organisation AND o.paused_at IS NOT NULL))
      AND NOT (a.kind = 'offer'
               AND EXISTS (SELECT FROM (SELECT * FROM offers WHERE incident_id = a.subject OFFSET 0) AS f
                           WHERE f.status = 'extended'
                             AND EXISTS (SELECT FROM replies r
                                         WHERE r.offer_id = f.id AND r.processed_at IS NULL AND r.received_at > $2
                                         OFFSET 0)
                           OFFSET 0))
), taken AS (
    -- One rank at a time: in order of severity, what is not due yet would be read before what is due.
    (SELECT severe.* FROM unnest('{0,1,2}'::smallint[]) AS rank (n)
     CROSS JOIN LATERAL (SELECT * FROM due WHERE due.severity = rank.n ORDER BY due.due_at LIMIT $3) AS severe
     ORDER BY severe.severity, severe.due_at LIMIT $3)
    UNION ALL
    (SELECT low.* FROM unnest('{1,2}'::smallint[]) AS rank (n)
     CROSS JOIN LATERAL (SELECT * FROM due WHERE due.severity = rank.n ORDER BY due.due_at LIMIT $4) AS low
     ORDER BY low.due_at LIMIT $4)
)
SELECT subject, subject_kind, organisation FROM taken
GROUP BY subject, subject_kind, organisation
ORDER BY min(severity), min(due_at), subject;

-- name: offers_being_answered
-- Of incidents, the live offers with an answer that was received and is not worked yet.
-- OFFSET 0: or all live offers are read, since a planner without fresh counts takes them for few.
SELECT f.id FROM (SELECT id, status FROM offers WHERE incident_id = ANY ($1::uuid[]) OFFSET 0) AS f
WHERE f.status = 'extended'
  AND EXISTS (SELECT FROM replies r
              WHERE r.offer_id = f.id AND r.processed_at IS NULL AND r.received_at > $2 OFFSET 0);

-- name: next_due
-- Returns when the first entry that is not due yet will be.
SELECT min(due_at) FROM agenda WHERE due_at > $1;

-- name: write_agenda
-- Puts entries on the agenda, or moves them.
INSERT INTO agenda (subject, kind, subject_kind, organisation, severity, due_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::smallint[], $6::timestamptz[])
ON CONFLICT (subject, kind) DO UPDATE SET due_at = excluded.due_at, severity = excluded.severity;

-- name: clear_agenda
-- Takes entries off the agenda.
DELETE FROM agenda a
USING unnest($1::uuid[], $2::text[]) AS gone (subject, kind)
WHERE a.subject = gone.subject AND a.kind = gone.kind;
