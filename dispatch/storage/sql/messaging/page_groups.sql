-- name: waiting_pages
-- Returns, for each page that is being sent ($1), the pages to the same contact that wait or that its text carries already,
-- and itself: what each is about, whether a text told the contact of it since $2, and the texts that the contact had since $3.
SELECT c.id AS sending, c.attempts, m.id AS message_id, e.subject_id, e.status, e.reason, e.level, e.raised_at, i.severity,
       e.id = ANY (past.told) AS told, past.last_at, past.texts
FROM messages c
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(DISTINCT t.escalation_id) FILTER (WHERE coalesce(s.sent_at, t.sent_at) IS NOT NULL), '{}') AS told,
           max(t.sent_at) FILTER (WHERE t.mode = c.mode) AS last_at,
           count(*) FILTER (WHERE t.mode = c.mode AND t.sent_at > $3) AS texts
    FROM messages t LEFT JOIN messages s ON s.id = t.carried_by
    WHERE t.recipient_id = c.recipient_id AND t.created_at > $2 AND t.purpose = 'escalation'
) AS past
JOIN messages m ON m.recipient_id = c.recipient_id AND m.created_at > $2 AND m.purpose = 'escalation' AND m.mode = c.mode
               AND m.channel = c.channel AND (m.id = c.id OR m.status = 'queued' OR m.carried_by = c.id)
JOIN escalations e ON e.id = m.escalation_id
LEFT JOIN incidents i ON i.id = e.subject_id
WHERE c.id = ANY ($1::uuid[]) AND c.purpose = 'escalation' AND c.status = 'leased'
ORDER BY c.id, m.id;

-- name: defer_pages
-- Lets pages that are being sent, or are due before, wait until a moment; they were not tried.
UPDATE messages SET status = 'queued', due_at = $2, leased_until = NULL, attempts = attempts - (status = 'leased')::int
WHERE id = ANY ($1::uuid[]) AND (status = 'leased' OR (status = 'queued' AND due_at < $2));

-- name: carry_pages
-- Skips pages whose escalations are told of in the text of another one ($2), which takes over what they carried, or nowhere
-- where $3 has a reason; returns those that were not skipped before.
WITH carried AS (
    UPDATE messages m
    SET status = 'skipped', leased_until = NULL, carried_by = CASE WHEN w.why = '' THEN $2::uuid END,
        reason = CASE WHEN w.why = '' THEN 'told in the text of another page' ELSE w.why END
    FROM unnest($1::uuid[], $3::text[]) AS w (id, why)
    WHERE m.id = w.id AND m.status IN ('queued', 'leased')
    RETURNING m.id, m.organisation, m.mode, m.recipient_id, m.incident_id, m.purpose, m.channel, m.reason
), moved AS (
    UPDATE messages SET carried_by = $2::uuid WHERE carried_by = ANY ($1::uuid[])
)
SELECT * FROM carried ORDER BY id;

-- name: lease_page
-- Leases the page that a text names, in the place of another one; returns how often it was tried.
UPDATE messages SET status = 'leased', leased_until = $2, attempts = attempts + 1, carried_by = NULL, reason = ''
WHERE id = $1 AND status IN ('queued', 'skipped')
RETURNING id, severity, attempts;

-- name: queued_pages
-- Returns which of some escalations wait to be told to some contacts, since a moment.
SELECT recipient_id, escalation_id FROM messages
WHERE recipient_id = ANY ($1::uuid[]) AND escalation_id = ANY ($2::uuid[]) AND created_at > $3
  AND purpose = 'escalation' AND status = 'queued';

-- name: page_rates
-- Returns how many pages each duty contact was texted since $1 and since $2.
SELECT g.name AS organisation, d.name AS contact,
       count(m.id) FILTER (WHERE m.sent_at > $1) AS ten_minutes, count(m.id) AS hour
FROM organisations g JOIN duty_contacts d ON d.organisation = g.id
LEFT JOIN messages m ON m.recipient_id = d.id AND m.purpose = 'escalation' AND m.sent_at > $2
                      AND m.created_at > $2::timestamptz - interval '1 day'
GROUP BY g.name, d.turn, d.name ORDER BY g.name, d.turn;
