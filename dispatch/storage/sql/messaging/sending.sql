-- name: lease_messages
-- Leases due messages of a channel, at most $5 of each severity, one per person unless recalls; a lease that ran out
-- leaves the outcome in doubt.
WITH due AS (
    SELECT next.* FROM unnest($5::int[]) WITH ORDINALITY AS rank (room, n)
    CROSS JOIN LATERAL (
        SELECT m.id, m.recipient_id, m.severity, m.due_at
        FROM messages m
        WHERE m.severity = (rank.n - 1)::smallint
          AND m.channel = $1 AND m.recall = $2 AND m.id <> ALL ($4::uuid[])
          AND ((m.status = 'queued' AND m.due_at <= $3) OR (m.status = 'leased' AND m.leased_until <= $3))
          AND ($2 OR NOT EXISTS (SELECT FROM messages other
                                 WHERE other.recipient_id = m.recipient_id AND other.channel = m.channel
                                   AND other.status = 'leased' AND NOT other.recall AND other.id <> m.id))
        -- In the order of the index: with more columns every lease would sort all waiting messages.
        ORDER BY m.due_at
        LIMIT rank.room
        FOR UPDATE OF m SKIP LOCKED
    ) AS next
), first AS (
    SELECT DISTINCT ON (CASE WHEN $2 THEN id ELSE recipient_id END) id
    FROM due
    ORDER BY CASE WHEN $2 THEN id ELSE recipient_id END, severity, due_at, id
)
UPDATE messages m
SET status = 'leased', leased_until = $6, attempts = attempts + 1, in_doubt = in_doubt OR status = 'leased'
FROM first WHERE m.id = first.id
RETURNING m.id, m.severity, m.attempts, m.purpose = 'escalation' AS page;

-- name: renew_leases
-- Extends the leases of messages that are being sent, where the lease has not run out at $2 and does before $3.
UPDATE messages SET leased_until = $4
WHERE id = ANY ($1::uuid[]) AND status = 'leased' AND leased_until > $2 AND leased_until < $3;

-- name: message_facts
-- Returns messages with the present state of their incident, offer and recipient, the most severe first; `pending` are
-- offers that ended after $2 or still run, or by which the recipient is seated, `unseen` those of unseen recalls.
SELECT m.id, m.organisation, m.mode, m.status, m.purpose, m.channel, m.recall, m.severity, m.attempts,
       m.recipient_kind, m.recipient_id, m.offer_id,
       coalesce(a.address, d.address, CASE WHEN m.recipient_id = g.id THEN g.alarm_phone END) AS address, l.language, coalesce(s.consent, '{}') AS consent,
       coalesce(d.drills, 'drills' = ANY (s.consent), false) AS drills,
       s.volunteer_id IS NULL OR s.left_at IS NOT NULL OR s.stopped_at IS NOT NULL AS gone,
       g.paused_at IS NOT NULL AS paused, g.zone,
       i.status AS incident_status, CASE WHEN i.status = 'cancelled' THEN 'cancelled' ELSE i.outcome END AS outcome, p.body -> 'title' ->> l.language AS title,
       coalesce(i.engagement = 'notice', false) AS informs, coalesce(i.engagement = 'crew', false) AS crew,
       o.status AS offer_status, o.expires_at, o.distance_m, o.late,
       h.status AS assignment_status, coalesce(t.reserve, false) AS reserve, coalesce(t.added, false) AS late_arrival,
       EXISTS (SELECT FROM messages e
               WHERE e.offer_id = m.offer_id AND e.purpose = 'offer'
                 AND (e.status IN ('sent', 'delivered') OR e.in_doubt) OFFSET 0) AS asked,
       c.status AS escalation_status, c.reason, c.detail, c.level,
       (SELECT coalesce(max(k.generation) FILTER (WHERE k.revoked_at IS NULL), max(k.generation) + 1, 0)
        FROM tokens k WHERE k.offer_id = m.offer_id) AS generation,
       w.ids AS pending_ids, w.titles AS pending_titles, w.seated AS pending_seated,
       u.ids AS unseen_ids, u.titles AS unseen_titles, g.name AS organisation_name,
       CASE WHEN m.purpose = 'waitlisted' THEN waiting_place(o) END AS place, i.starts_at, i.ends_at,
       p.body ->> 'lane' AS lane, p.body -> 'quiet' AS quiet, i.zone AS quiet_zone, o.muster,
       (SELECT y.body -> 'title' ->> l.language
        FROM assignments q JOIN incidents z ON z.id = q.incident_id JOIN plans y ON y.hash = z.plan_hash
        WHERE m.purpose = 'late' AND i.lane = 'planned' AND q.volunteer_id = m.recipient_id AND q.lane = 'planned'
          AND q.status <> 'released' AND q.incident_id <> i.id
          AND tstzrange(q.busy_from, q.busy_until) && time_taken(i.engagement, i.starts_at, i.ends_at)
        LIMIT 1) AS clash
FROM messages m
JOIN organisations g ON g.id = m.organisation
LEFT JOIN memberships s ON s.volunteer_id = m.recipient_id AND s.organisation = m.organisation
LEFT JOIN addresses a ON a.volunteer_id = m.recipient_id AND a.channel = m.channel
LEFT JOIN duty_contacts d ON d.id = m.recipient_id
CROSS JOIN LATERAL (SELECT coalesce(s.language, d.language, 'fr') AS language) l
LEFT JOIN incidents i ON i.id = m.incident_id
LEFT JOIN plans p ON p.hash = i.plan_hash
LEFT JOIN offers o ON o.id = m.offer_id
LEFT JOIN assignments h ON h.offer_id = m.offer_id
LEFT JOIN seats t ON t.assignment_id = h.id
LEFT JOIN escalations c ON c.id = m.escalation_id
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(x.id ORDER BY x.extended_at, x.id), '{}') AS ids,
           coalesce(array_agg(y.body -> 'title' ->> l.language ORDER BY x.extended_at, x.id), '{}') AS titles,
           coalesce(bool_or(q.status IS NOT NULL), false) AS seated
    FROM offers x JOIN incidents z ON z.id = x.incident_id JOIN plans y ON y.hash = z.plan_hash
    LEFT JOIN assignments q ON q.offer_id = x.id AND q.status <> 'released' AND z.engagement IS DISTINCT FROM 'notice'
    WHERE m.purpose = 'ask_back' AND x.volunteer_id = m.recipient_id
      AND (q.status IS NOT NULL OR (x.expires_at > $2 AND x.status IN ('extended', 'expired', 'withdrawn') AND z.status <> 'aborted'
           AND NOT EXISTS (SELECT FROM replies r WHERE r.offer_id = x.id AND r.answer IN ('accepted', 'declined'))))
) w
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(e.id ORDER BY e.at, e.id), '{}') AS ids,
           coalesce(array_agg(e.title ORDER BY e.at, e.id), '{}') AS titles
    FROM (SELECT DISTINCT ON (r.incident_id) x.id, r.at, y.body -> 'title' ->> l.language AS title
          FROM offers x JOIN recalls r ON r.incident_id = x.incident_id AND r.volunteer_id = x.volunteer_id
          JOIN incidents z ON z.id = x.incident_id JOIN plans y ON y.hash = z.plan_hash
          LEFT JOIN assignments q ON q.offer_id = x.id AND q.status <> 'released'
          WHERE m.purpose = 'ask_back' AND x.volunteer_id = m.recipient_id AND r.acknowledged_at IS NULL
            AND CASE WHEN r.kind = 'aborted' THEN r.at > $3
                     ELSE z.status IN ('held', 'taken_over') AND (x.status = 'extended' OR q.status IS NOT NULL) END
            AND NOT EXISTS (SELECT FROM replies k
                            WHERE k.offer_id = x.id AND coalesce(k.sent_at, k.received_at) > r.at
                              AND k.answer IN ('acknowledged', 'declined', 'released'))
          ORDER BY r.incident_id, q.status IS NOT NULL DESC, x.extended_at DESC, x.id) e
) u
WHERE m.id = ANY ($1::uuid[])
ORDER BY m.severity, m.due_at, m.created_at, m.id;

-- name: complete_messages
-- Sets the final status of messages, of organisation $6 or, where it is null, of all, that were tried and whose status is still
-- one of those expected; returns them.
-- The address of one that failed is marked, and unmarked when one is delivered.
WITH ended AS (
    UPDATE messages m
    SET status = s.status, reason = s.reason, leased_until = NULL,
        sent_at = CASE WHEN s.status IN ('sent', 'delivered') THEN coalesce(m.sent_at, $5) ELSE m.sent_at END,
        delivered_at = CASE WHEN s.status = 'delivered' THEN $5 ELSE m.delivered_at END
    FROM unnest($1::uuid[], $2::text[], $3::text[]) AS s (id, status, reason)
    WHERE m.id = s.id AND m.status = ANY ($4::text[]) AND m.attempts > 0 AND ($6::uuid IS NULL OR m.organisation = $6)
    RETURNING m.id, m.organisation, m.mode, m.recipient_kind, m.recipient_id, m.incident_id, m.purpose, m.channel, m.status,
              m.created_at
), volunteers_marked AS (
    UPDATE addresses a SET failing_since = CASE e.status WHEN 'failed' THEN $5 END
    FROM ended e
    WHERE e.recipient_kind = 'volunteer' AND a.volunteer_id = e.recipient_id AND a.channel = e.channel
      AND e.status IN ('failed', 'delivered') AND (e.status = 'failed') = (a.failing_since IS NULL)
), duty_marked AS (
    UPDATE duty_contacts d SET failing_since = CASE e.status WHEN 'failed' THEN $5 END
    FROM ended e
    WHERE e.recipient_kind = 'duty' AND d.id = e.recipient_id
      AND e.status IN ('failed', 'delivered') AND (e.status = 'failed') = (d.failing_since IS NULL)
)
SELECT id, organisation, mode, recipient_id, incident_id, purpose, channel, created_at FROM ended;

-- name: requeue_messages
-- Queues leased messages again for later, and returns how often each was tried. Recalls and pages wait 5 s at most.
UPDATE messages m
SET status = 'queued', reason = d.reason, leased_until = NULL, in_doubt = m.in_doubt OR d.doubt,
    due_at = $4::timestamptz + least(power(2, least(m.attempts, 10) - 1),
                                     CASE WHEN m.recall OR m.escalation_id IS NOT NULL THEN 5 ELSE 60 END)
                               * interval '1 second'
FROM unnest($1::uuid[], $2::text[], $3::bool[]) AS d (id, reason, doubt)
WHERE m.id = d.id AND m.status = 'leased'
RETURNING m.id, m.organisation, m.recipient_id, m.purpose, m.channel, m.attempts, m.created_at;

-- name: hold_messages
-- Lets leased messages wait until their times; they were not tried.
UPDATE messages m SET status = 'queued', due_at = d.due_at, leased_until = NULL, attempts = m.attempts - 1
FROM unnest($1::uuid[], $2::timestamptz[]) AS d (id, due_at)
WHERE m.id = d.id AND m.status = 'leased';

-- name: skip_unserved
-- Skips and returns messages on channels that no gateway serves; all senders serve the same channels.
UPDATE messages
SET status = 'skipped', reason = 'no gateway', leased_until = NULL
WHERE id IN (SELECT id FROM messages
             WHERE channel = ANY ($1::text[]) AND (status = 'queued' OR (status = 'leased' AND leased_until <= $2))
             LIMIT 500 FOR UPDATE SKIP LOCKED)
RETURNING id, organisation, mode, recipient_id, incident_id, purpose, channel;

-- name: attempts_of_messages
-- Returns how often messages ($1) were tried, each for the organisation that asks ($2; null: any); no row where that has no such
-- message. OFFSET 0 makes it one lookup per message: a free join may read every message.
SELECT asked.id, asked.organisation, m.attempts
FROM unnest($1::uuid[], $2::uuid[]) AS asked (id, organisation)
CROSS JOIN LATERAL (
    SELECT attempts FROM messages
    WHERE id = asked.id AND (asked.organisation IS NULL OR organisation = asked.organisation) OFFSET 0
) AS m;
