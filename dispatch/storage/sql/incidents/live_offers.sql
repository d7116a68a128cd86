-- name: offers_being_answered
-- Returns those of the offers that have an answer received after $2 and not processed yet.
SELECT DISTINCT offer_id FROM replies WHERE offer_id = ANY ($1::uuid[]) AND processed_at IS NULL AND received_at > $2;

-- name: missed_offers
-- Returns those of the offers of which no message was passed to a gateway or all failed, as far as is known: whether one
-- failed, whether no sender tried to send any, and since when the youngest sender that was seen after $2 runs. One that is
-- being sent again after a failure is not known to be passed on: should it arrive after all, an answer counts.
-- OFFSET 0 makes it one lookup per offer: a free join may read every message.
SELECT o.id, coalesce(sent.failed, false) AS failed, coalesce(sent.untried, true) AS untried,
       (SELECT max(started_at) FROM processes
        WHERE 'notifications' = ANY (roles) AND seen_at > $2) AS sending_since
FROM unnest($1::uuid[]) AS o (id)
CROSS JOIN LATERAL (
    SELECT bool_or(m.status IN ('sent', 'delivered') OR m.status = 'leased' AND m.attempts = 1
                   OR m.in_doubt AND m.status <> 'failed') AS reached,
           bool_or(m.status = 'failed') AS failed,
           bool_and(m.attempts = 0 AND m.status = 'queued') AS untried
    FROM messages m WHERE m.offer_id = o.id AND m.purpose = 'offer' OFFSET 0
) AS sent
WHERE NOT coalesce(sent.reached, false);

-- name: undeliverable_offers
-- Returns the live offers that messages were about and of which no other message waits, is being sent or was sent; with
-- those messages, and how many of the incident's offers reached nobody since $2.
SELECT o.id, o.incident_id, array_agg(m.id) AS messages,
       (SELECT count(*) FROM offers x
        WHERE x.incident_id = o.incident_id AND x.status = 'withdrawn' AND x.missed = 'unreached'
          AND x.settled_at > $2) AS lately
FROM unnest($1::uuid[]) AS told (message_id)
JOIN messages m ON m.id = told.message_id
JOIN offers o ON o.id = m.offer_id
WHERE o.status = 'extended'
  AND NOT EXISTS (SELECT FROM messages e
                  WHERE e.offer_id = o.id AND e.purpose = 'offer'
                    AND e.status IN ('queued', 'leased', 'sent', 'delivered') OFFSET 0)
GROUP BY o.id
ORDER BY o.incident_id, o.id;

-- name: engaged_in_lanes
-- Of volunteers with a lane and a time, returns those who are assigned there then. OFFSET 0 makes it one lookup per person.
SELECT w.volunteer_id
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[]) AS w (volunteer_id, lane, busy_from, busy_until)
CROSS JOIN LATERAL (SELECT FROM assignments a
                    WHERE a.volunteer_id = w.volunteer_id AND a.lane = w.lane AND a.status <> 'released'
                      AND (a.lane <> 'planned' OR tstzrange(a.busy_from, a.busy_until)
                                               && tstzrange(w.busy_from, w.busy_until))
                    OFFSET 0) AS held;
