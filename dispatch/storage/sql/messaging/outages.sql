-- name: record_outages
-- Records, for organisations and channels, since when and why nothing is sent, and to whom; an outage that is known keeps
-- its beginning, and is confirmed when a message to somebody else fails within a minute; later, it begins anew.
INSERT INTO outages AS known (organisation, channel, since, reason, recipient_id, confirmed, probe_at)
SELECT organisation, channel, min(since), min(reason), min(recipient_id::text)::uuid,
       bool_or(recipient_id IS NULL) OR count(DISTINCT recipient_id) > 1, min(since) + $6::interval
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::uuid[])
     AS o (organisation, channel, since, reason, recipient_id)
GROUP BY organisation, channel
ORDER BY organisation, channel
ON CONFLICT (organisation, channel) DO UPDATE
SET confirmed = excluded.confirmed OR known.since > excluded.since - interval '1 minute',
    since = CASE WHEN known.since > excluded.since - interval '1 minute' THEN known.since ELSE excluded.since END,
    probe_at = excluded.probe_at, recipient_id = excluded.recipient_id
WHERE NOT known.confirmed AND (excluded.confirmed OR known.recipient_id <> excluded.recipient_id);

-- name: end_outages
-- Ends outages of organisations and channels that began before what shows their end. The table is empty, as a rule.
DELETE FROM outages o USING (
    SELECT x.organisation, x.channel FROM outages x
    WHERE EXISTS (SELECT FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS shown (organisation, channel, at)
                  WHERE shown.organisation = x.organisation AND shown.channel = x.channel AND shown.at > x.since)
    ORDER BY x.organisation, x.channel FOR UPDATE
) AS ended
WHERE o.organisation = ended.organisation AND o.channel = ended.channel;

-- name: obstacles
-- Returns those of the organisations that have paused new offers or have outages since before $2, with the channels.
SELECT o.id, o.paused_at IS NOT NULL AS paused,
       ARRAY(SELECT channel FROM outages x WHERE x.organisation = o.id AND x.confirmed AND x.since <= $2
             ORDER BY channel) AS channels
FROM organisations o
WHERE o.id = ANY ($1::uuid[])
  AND (o.paused_at IS NOT NULL
       OR EXISTS (SELECT FROM outages x WHERE x.organisation = o.id AND x.confirmed AND x.since <= $2));

-- name: claim_probes
-- Claims the outages of organisations that may be probed at $2 with one offer, until $3: nothing else waits to be sent on
-- their channels, and where nothing is sent on any, no event has waited for Kafka since $5 and a sender was seen after $4.
UPDATE outages o SET probe_at = $3
FROM (
    SELECT x.organisation, x.channel FROM outages x
    WHERE x.organisation = ANY ($1::uuid[]) AND x.confirmed AND x.probe_at <= $2
      AND NOT EXISTS (SELECT FROM messages m
                      WHERE m.organisation = x.organisation AND x.channel IN (m.channel, 'every')
                        AND m.status IN ('queued', 'leased'))
      AND (x.channel <> 'every'
           OR (NOT EXISTS (SELECT FROM journal j
                           WHERE j.id = (SELECT b.position FROM outbox b ORDER BY b.id LIMIT 1) AND j.recorded_at <= $5)
               AND EXISTS (SELECT FROM processes p WHERE 'notifications' = ANY (p.roles) AND p.seen_at > $4)))
    ORDER BY x.organisation, x.channel
    FOR UPDATE OF x SKIP LOCKED
) AS due
WHERE o.organisation = due.organisation AND o.channel = due.channel
RETURNING o.organisation;

-- name: reachable_members
-- Returns those of an organisation's volunteers who have consented to a channel on which they have an address and that is
-- not among $3.
SELECT DISTINCT m.volunteer_id FROM memberships m JOIN addresses a ON a.volunteer_id = m.volunteer_id
WHERE m.organisation = $1 AND m.volunteer_id = ANY ($2::uuid[])
  AND a.channel = ANY (m.consent) AND a.channel <> ALL ($3::text[]);

-- name: list_outages
-- Returns the outages since before $1, with the name of the organisation, the longest first.
SELECT g.name, o.channel, o.since, o.reason FROM outages o JOIN organisations g ON g.id = o.organisation
WHERE o.confirmed AND o.since <= $1 ORDER BY o.since, g.name, o.channel;
