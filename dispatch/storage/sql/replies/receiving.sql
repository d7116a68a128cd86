-- name: find_by_address
-- Returns the volunteer with an address on a channel.
SELECT volunteer_id FROM addresses WHERE channel = $1 AND address = $2;

-- name: offer_facts
-- Returns an offer's volunteer, incident and organisation, and whether it only informs.
SELECT o.volunteer_id, o.incident_id, i.organisation, i.mode, coalesce(i.engagement = 'notice', false) AS informs
FROM offers o JOIN incidents i ON i.id = o.incident_id
WHERE o.id = $1;

-- name: lock_replies_of
-- Waits until no other transaction writes an answer of this person, so that answers are published in their order.
SELECT pg_advisory_xact_lock(hashtextextended($1::text, 11));

-- name: store_reply
-- Stores an answer.
INSERT INTO replies (id, organisation, mode, volunteer_id, offer_id, incident_id, answer, channel, received_at)
VALUES (:id, :organisation, :mode, :volunteer_id, :offer_id, :incident_id, :answer, :channel, :received_at);

-- name: store_text
-- Stores a received text and returns its id; no row if the provider delivered it before.
INSERT INTO inbound_texts (id, gateway, sender, text, outcome, received_at)
VALUES ($1, $2, $3, $4, 'received', $5)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: text_outcome
-- Returns the outcome of a text.
SELECT outcome FROM inbound_texts WHERE id = $1;

-- name: resolve_text
-- Records the outcome of a text.
UPDATE inbound_texts SET outcome = $2, reply_id = $3 WHERE id = $1;

-- name: offers_to_answer
-- Returns the offers that a person's text may be about: those that are live, ended after $2, hold a seat, or were recalled; newest first.
-- OFFSET 0 limits each subquery to one offer: in a free join Postgres may read every answer.
SELECT o.id, i.organisation,
       o.status IN ('extended', 'expired', 'withdrawn') AND NOT EXISTS (
           SELECT FROM replies r
           WHERE r.offer_id = o.id AND r.answer IN ('accepted', 'declined') OFFSET 0) AS waiting,
       EXISTS (SELECT FROM recalls c
               WHERE c.incident_id = o.incident_id AND c.volunteer_id = $1 AND c.acknowledged_at IS NULL) AS recalled
FROM offers o JOIN incidents i ON i.id = o.incident_id
WHERE o.volunteer_id = $1 AND (
    o.status = 'extended' OR o.expires_at > $2
    OR EXISTS (SELECT FROM assignments a WHERE a.offer_id = o.id AND a.status <> 'released' OFFSET 0)
    OR EXISTS (SELECT FROM recalls c
               WHERE c.incident_id = o.incident_id AND c.volunteer_id = $1 AND c.acknowledged_at IS NULL))
ORDER BY o.extended_at DESC, o.id;
