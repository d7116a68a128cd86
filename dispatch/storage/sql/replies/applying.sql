-- name: earlier_replies
-- Returns at most 100 unprocessed answers, without those in $3, that these persons gave before $2, the oldest first.
-- OFFSET 0 makes it one lookup per person: a free join would read every unprocessed answer.
SELECT earlier.* FROM unnest($1::uuid[], $2::timestamptz[]) AS batch (volunteer_id, last_at)
CROSS JOIN LATERAL (SELECT id, incident_id, offer_id, volunteer_id, answer, channel, received_at, sent_at, reason, eta_at
                    FROM replies r
                    WHERE r.volunteer_id = batch.volunteer_id AND r.processed_at IS NULL
                      AND r.received_at < batch.last_at AND r.id <> ALL ($3::uuid[])
                    OFFSET 0) AS earlier
ORDER BY earlier.received_at LIMIT 100;

-- name: mark_replies_processed
-- Records when answers were processed; returns, for each, the answers to its offer that were given later, and are
-- processed or are processed before it in this batch. Of two texts the one sent last was given later. A no without a
-- sending time was given later than a text that was sent before its receipt and delayed by less than $3.
UPDATE replies r SET processed_at = coalesce(r.processed_at, $2) WHERE r.id = ANY ($1::uuid[])
RETURNING r.id, ARRAY(SELECT later.answer FROM replies later
                      WHERE later.offer_id = r.offer_id AND later.reason IS DISTINCT FROM 'doubtful'
                        AND (later.processed_at IS NOT NULL
                             OR (later.id = ANY ($1::uuid[]) AND later.received_at < r.received_at))
                        AND CASE WHEN later.sent_at <> r.sent_at THEN later.sent_at > r.sent_at
                                 WHEN later.received_at > r.received_at THEN true
                                 ELSE later.answer IN ('declined', 'released') AND later.sent_at IS NULL
                                      AND r.sent_at < later.received_at AND r.sent_at > r.received_at - $3::interval
                            END) AS overtaken_by;

-- name: lock_volunteers
-- Locks volunteers in the order of their ids.
SELECT id FROM volunteers WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE;

-- name: engaged_or_apart
-- Of volunteers who come to incidents, returns those who are assigned, in its lane and its time, to one outside :locked; and,
-- with the other one, those who must not meet somebody of the organisation.
SELECT w.volunteer_id, w.incident_id, NULL::uuid AS other
FROM unnest(:volunteer_id::uuid[], :lane::text[], :incident_id::uuid[], :busy_from::timestamptz[], :busy_until::timestamptz[])
     AS w (volunteer_id, lane, incident_id, busy_from, busy_until)
-- OFFSET 0 makes it one lookup per person: a free join would read every running assignment.
CROSS JOIN LATERAL (SELECT incident_id FROM assignments a
                    WHERE a.volunteer_id = w.volunteer_id AND a.lane = w.lane AND a.status <> 'released'
                      AND (a.lane <> 'planned' OR tstzrange(a.busy_from, a.busy_until)
                                               && tstzrange(w.busy_from, w.busy_until))
                    OFFSET 0) AS held
WHERE held.incident_id <> ALL (:locked::uuid[])
UNION ALL
SELECT w.volunteer_id, w.incident_id, p.other
FROM unnest(:volunteer_id::uuid[], :organisation::uuid[], :incident_id::uuid[]) AS w (volunteer_id, organisation, incident_id)
JOIN apart p ON p.volunteer_id = w.volunteer_id AND p.organisation = w.organisation;
