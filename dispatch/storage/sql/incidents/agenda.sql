-- name: due_subjects
-- Returns the due subjects: $3 of the most severe, and $4 of the less severe that have waited longest.
-- Leaves out deferred subjects ($5), considering and the waiting list while an organisation is paused, and expiry and the
-- end of a doubt while an answer that was received after $2 is not processed.
-- OFFSET 0 limits the lookups of offers and answers to those of one entry: a free join may read all there are.
WITH due AS NOT MATERIALIZED (
    SELECT a.subject, a.subject_kind, a.organisation, a.severity, a.due_at
    FROM agenda a
    WHERE a.due_at <= $1
      AND a.subject <> ALL ($5::uuid[])
      AND NOT (a.kind IN ('consider', 'waiting')
               AND EXISTS (SELECT FROM organisations o WHERE o.id = a.organisation AND o.paused_at IS NOT NULL))
      AND NOT (a.kind = 'offer'
               AND EXISTS (SELECT FROM (SELECT * FROM offers WHERE incident_id = a.subject OFFSET 0) AS f
                           WHERE f.status = 'extended'
                             AND EXISTS (SELECT FROM replies r
                                         WHERE r.offer_id = f.id AND r.processed_at IS NULL AND r.received_at > $2
                                         OFFSET 0)
                           OFFSET 0))
      AND NOT (a.kind = 'doubt'
               AND EXISTS (SELECT FROM (SELECT * FROM assignments WHERE incident_id = a.subject OFFSET 0) AS d
                           WHERE d.doubted_until <= $1
                             AND EXISTS (SELECT FROM replies r
                                         WHERE r.offer_id = d.offer_id AND r.processed_at IS NULL
                                           AND r.received_at > $2
                                         OFFSET 0)
                           OFFSET 0))
), taken AS (
    -- One severity at a time: an ordered scan would read entries that are not due yet before those that are.
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

-- name: next_due
-- Returns the due time of the next entry after $1.
SELECT min(due_at) FROM agenda WHERE due_at > $1;
