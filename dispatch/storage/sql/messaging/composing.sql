-- name: channels_to_notify
-- Returns the channels of each numbered recipient: the one named, else all where `everywhere`, else those with consent and
-- those on which the offer was sent.
SELECT w.n, a.channel
FROM unnest($1::int[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bool[])
     AS w (n, organisation, volunteer_id, offer_id, channel, everywhere)
JOIN addresses a ON a.volunteer_id = w.volunteer_id AND a.channel = coalesce(w.channel, a.channel)
LEFT JOIN memberships m ON m.volunteer_id = w.volunteer_id AND m.organisation = w.organisation
WHERE w.channel IS NOT NULL OR w.everywhere OR a.channel = ANY (m.consent)
   OR EXISTS (SELECT FROM messages s
              WHERE s.offer_id = w.offer_id AND s.channel = a.channel AND s.purpose = 'offer'
                AND s.status IN ('sent', 'delivered')
              -- OFFSET 0 limits it to one offer: in a free join Postgres may read every message.
              OFFSET 0)
ORDER BY w.n, a.channel;

-- name: queue_messages
-- Queues messages to be sent at once, severity taken from the incident, and returns the ids of those that are new.
INSERT INTO messages (id, organisation, mode, recipient_kind, recipient_id, incident_id, offer_id, escalation_id,
                      purpose, channel, recall, severity, status, due_at, created_at)
SELECT m.id, m.organisation, m.mode, m.recipient_kind, m.recipient_id, m.incident_id, m.offer_id, m.escalation_id,
       m.purpose, m.channel, m.recall,
       CASE WHEN m.recall OR m.escalation_id IS NOT NULL THEN 0
            ELSE coalesce(array_position(ARRAY['life_threatening', 'urgent', 'routine'], i.severity) - 1, 1) END,
       'queued', :now, :now
FROM unnest(:id::uuid[], :organisation::uuid[], :mode::text[], :recipient_kind::text[], :recipient_id::uuid[],
            :incident_id::uuid[], :offer_id::uuid[], :escalation_id::uuid[], :purpose::text[], :channel::text[],
            :recall::bool[])
     AS m (id, organisation, mode, recipient_kind, recipient_id, incident_id, offer_id, escalation_id, purpose,
           channel, recall)
LEFT JOIN incidents i ON i.id = m.incident_id
ORDER BY m.id
ON CONFLICT (id) DO NOTHING
RETURNING id;

-- name: offers_asked
-- Returns those of the offers whose message was sent, is being sent, or may have been sent.
SELECT DISTINCT offer_id FROM messages
WHERE offer_id = ANY ($1::uuid[]) AND purpose = 'offer'
  AND (status IN ('leased', 'sent', 'delivered') OR in_doubt);

-- name: offers_of_recalled
-- Returns the last offer of each numbered volunteer in an incident.
SELECT DISTINCT ON (w.n) w.n, o.id
FROM unnest($1::int[], $2::uuid[], $3::uuid[]) AS w (n, incident_id, volunteer_id)
JOIN offers o ON o.incident_id = w.incident_id AND o.volunteer_id = w.volunteer_id
ORDER BY w.n, o.extended_at DESC, o.id;

-- name: held_volunteers
-- Returns the volunteers who have a recall to wait in incidents and are still assigned or hold an offer.
SELECT r.incident_id, r.volunteer_id
FROM recalls r
WHERE r.incident_id = ANY ($1::uuid[]) AND r.kind = 'held'
  AND (EXISTS (SELECT FROM assignments a
               WHERE a.incident_id = r.incident_id AND a.volunteer_id = r.volunteer_id AND a.status <> 'released')
       OR EXISTS (SELECT FROM offers o
                  WHERE o.incident_id = r.incident_id AND o.volunteer_id = r.volunteer_id
                    AND o.status = 'extended'))
ORDER BY r.incident_id, r.volunteer_id;

-- name: duty_order
-- Returns the duty contacts of organisations, each organisation's in duty order. Where there is none, or messages to all fail,
-- the alarm phone is the last one, under the organisation's id.
SELECT organisation, id, channel, drills, turn FROM duty_contacts WHERE organisation = ANY ($1::uuid[])
UNION ALL
SELECT o.id, o.id, 'sms', false, 32767 FROM organisations o
WHERE o.id = ANY ($1::uuid[]) AND o.alarm_phone IS NOT NULL
  AND NOT EXISTS (SELECT FROM duty_contacts d WHERE d.organisation = o.id AND d.failing_since IS NULL)
ORDER BY organisation, turn;

-- name: count_ask_backs
-- Counts how often a volunteer was asked back since a moment, or, where $3, was told that a supervisor has their words.
SELECT count(*) FROM messages
WHERE recipient_id = $1 AND purpose = 'ask_back' AND created_at > $2 AND (offer_id IS NOT NULL) = $3;
