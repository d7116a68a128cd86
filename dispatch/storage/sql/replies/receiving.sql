-- name: find_by_addresses
-- Returns the volunteers who have one of some addresses on a channel, each with the address: an organisation's, or all where it
-- is null.
SELECT address, volunteer_id FROM addresses a
WHERE channel = $1 AND address = ANY ($2::text[])
  AND ($3::uuid IS NULL OR EXISTS (SELECT FROM memberships m WHERE m.volunteer_id = a.volunteer_id
                                   AND m.organisation = $3 AND m.left_at IS NULL))
ORDER BY address;

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
INSERT INTO replies (id, organisation, mode, volunteer_id, offer_id, incident_id, answer, channel, received_at, sent_at,
                     reason, eta_at)
VALUES (:id, :organisation, :mode, :volunteer_id, :offer_id, :incident_id, :answer, :channel, :received_at, :sent_at,
        :reason, :eta_at);

-- name: lock_texts_of
-- Waits until no other transaction receives a text of this sender.
SELECT pg_advisory_xact_lock(hashtextextended($1::text, 13));

-- name: text_delivered_before
-- Returns the text that the gateway of an organisation (null: the installation's) delivered under the same id, from the same
-- sender and with the same words, since a moment. Processes of the previous release store no such id, but derive the text's own
-- (`first_id`) from it.
SELECT id, outcome FROM inbound_texts
WHERE sender = :sender AND received_at > :since AND gateway = :gateway AND text = :text
  AND organisation IS NOT DISTINCT FROM :organisation::uuid
  AND (provider_id = :provider_id OR (provider_id IS NULL AND id = :first_id))
ORDER BY received_at LIMIT 1;

-- name: count_texts_of
-- Counts the texts of a sender since a moment, and those with the same words, that the gateway of an organisation brought.
SELECT count(*) AS texts, count(*) FILTER (WHERE text = $2) AS same FROM inbound_texts
WHERE sender = $1 AND received_at > $3 AND organisation IS NOT DISTINCT FROM $4::uuid;

-- name: store_text
-- Stores a received text and returns its id; no row if the id is taken.
INSERT INTO inbound_texts (id, gateway, organisation, sender, text, outcome, received_at, sent_at, provider_id, readings)
VALUES (:id, :gateway, :organisation, :sender, :text, 'received', :received_at, :sent_at, :provider_id, :readings)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: texts_just_before
-- Returns the texts of a sender that the gateway of an organisation brought before one within a time, the latest first, each
-- with the offer that it answers.
SELECT t.text, t.received_at, t.sent_at, r.answer, r.reason, r.offer_id
FROM inbound_texts t LEFT JOIN replies r ON r.id = t.reply_id
WHERE t.sender = $1 AND t.id <> $2 AND t.received_at > $3 AND t.organisation IS NOT DISTINCT FROM $4::uuid
ORDER BY t.received_at DESC LIMIT 3;

-- name: has_sent_later
-- Returns whether a sender has sent a text with an outcome later than a moment, through the gateway of the installation or, where
-- it is not null, of an organisation.
SELECT EXISTS (SELECT FROM inbound_texts
               WHERE sender = $1 AND outcome = $2 AND sent_at > $3 AND (organisation IS NULL OR organisation = $4::uuid));

-- name: first_ambiguous_text
-- Returns the first text of a sender within the last hour before one, where it came through the same gateway and was told to
-- supervisors as ambiguous too.
SELECT t.id FROM inbound_texts t JOIN inbound_texts this ON this.id = $2
WHERE t.sender = $1 AND t.id <> $2 AND t.outcome = 'ambiguous phone'
  AND t.organisation IS NOT DISTINCT FROM this.organisation
  AND t.received_at > this.received_at - interval '1 hour'
ORDER BY t.received_at LIMIT 1;

-- name: latest_text_of
-- Returns the id of the latest text of a sender that the gateway of an organisation brought.
SELECT id FROM inbound_texts WHERE sender = $1 AND organisation IS NOT DISTINCT FROM $2::uuid
ORDER BY received_at DESC LIMIT 1;

-- name: resolve_text
-- Records the outcome of a text.
UPDATE inbound_texts SET outcome = $2, reply_id = $3 WHERE id = $1;
