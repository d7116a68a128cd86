-- name: pages_to
-- Returns the escalations of which texts told contacts since a moment, those told last first; titles and reasons are in the
-- contact's language. `named` are those whose subject a text named, not only counted.
SELECT last.contact_id, e.id AS escalation_id, e.organisation, e.mode, e.subject_kind, e.subject_id, e.status, e.reason,
       e.detail, last.first_at, last.paged_at, last.text_id, last.named, l.language, p.body -> 'title' ->> l.language AS title
FROM (SELECT m.recipient_id AS contact_id, m.escalation_id, min(t.at) AS first_at, max(t.at) AS paged_at,
             (array_agg(t.id ORDER BY t.at DESC, t.id))[1] AS text_id, bool_or(t.named) AS named
      FROM messages m
      LEFT JOIN messages s ON s.id = m.carried_by
      CROSS JOIN LATERAL (
          SELECT coalesce(s.id, m.id) AS id, coalesce(s.sent_at, m.sent_at, s.created_at, m.created_at) AS at,
                 s.id IS NULL OR (SELECT count(DISTINCT c.subject_id) = 1 FROM escalations c
                                  WHERE c.id IN (m.escalation_id, s.escalation_id)) AS named
      ) AS t
      WHERE m.recipient_id = ANY ($1::uuid[]) AND m.created_at > $2 AND m.purpose = 'escalation'
        AND CASE WHEN s.id IS NULL THEN m.sent_at IS NOT NULL OR m.status = 'leased' OR m.in_doubt
                 ELSE s.sent_at IS NOT NULL OR s.status = 'leased' OR s.in_doubt END
      GROUP BY m.recipient_id, m.escalation_id) AS last
LEFT JOIN duty_contacts d ON d.id = last.contact_id
CROSS JOIN LATERAL (SELECT coalesce(d.language, 'fr') AS language) l
JOIN escalations e ON e.id = last.escalation_id
LEFT JOIN incidents i ON i.id = e.subject_id
LEFT JOIN plans p ON p.hash = i.plan_hash
ORDER BY last.paged_at DESC, e.id;

-- name: concerns_of
-- Returns what a text of a volunteer to an organisation ($4; null: to any) may be about: offers that wait for an answer and
-- ended after $2, recalls that are not acknowledged, and seats; the latest first, with titles in a language.
-- OFFSET 0 limits each subquery to one offer: in a free join Postgres may read every answer.
SELECT * FROM (
    SELECT o.id AS offer_id, p.body -> 'title' ->> $3 AS title, o.extended_at,
           o.status IN ('extended', 'expired', 'withdrawn') AND (o.status = 'extended' OR o.expires_at > $2)
               AND NOT EXISTS (SELECT FROM replies r
                               WHERE r.offer_id = o.id AND r.answer IN ('accepted', 'declined') OFFSET 0) AS waiting,
           EXISTS (SELECT FROM recalls c
                   WHERE c.incident_id = o.incident_id AND c.volunteer_id = $1 AND c.acknowledged_at IS NULL) AS recalled,
           EXISTS (SELECT FROM assignments a
                   WHERE a.offer_id = o.id AND a.status <> 'released' OFFSET 0) AS seated
    FROM offers o JOIN incidents i ON i.id = o.incident_id JOIN plans p ON p.hash = i.plan_hash
    WHERE o.volunteer_id = $1 AND ($4::uuid IS NULL OR i.organisation = $4)
) AS concern
WHERE waiting OR recalled OR seated
ORDER BY extended_at DESC, offer_id;

-- name: page_facts
-- Returns, for messages to duty contacts, the contact's address and organisation, the present state of the escalation, what
-- its incident lacks, and which other escalations the text tells of: those of the same subject, and how many other subjects.
SELECT m.id AS message_id, m.recipient_id AS contact_id, m.channel, c.address, coalesce(d.language, 'fr') AS language,
       v.volunteer_id,
       g.name AS organisation_name,
       (SELECT count(*) FROM duty_contacts o WHERE o.organisation = m.organisation) AS contacts,
       e.id AS escalation_id, e.subject_kind, e.subject_id, e.status, e.acknowledged_by, e.lapses_at,
       i.status AS incident_status, i.taken_by, i.lat, i.lon, g.south, g.west, g.north, g.east,
       lack.roles, lack.counts, told.reasons, told.details, told.others, told.incidents
FROM messages m
JOIN organisations g ON g.id = m.organisation
LEFT JOIN duty_contacts d ON d.id = m.recipient_id
CROSS JOIN LATERAL (
    SELECT coalesce(d.address, CASE WHEN m.recipient_id = g.id THEN g.alarm_phone END) AS address
) c
LEFT JOIN addresses v ON v.channel = m.channel AND v.address = c.address
LEFT JOIN escalations e ON e.id = m.escalation_id
LEFT JOIN incidents i ON i.id = e.subject_id
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(r.role ORDER BY r.role), '{}') AS roles,
           coalesce(array_agg(r.lacking ORDER BY r.role), '{}') AS counts
    FROM (SELECT role, count(*) FILTER (WHERE NOT reserve)
                 - count(*) FILTER (WHERE assignment_id IS NOT NULL AND NOT added) AS lacking
          FROM seats WHERE incident_id = i.id AND i.status = 'open' AND i.awaiting = '{}' GROUP BY role) AS r
    WHERE r.lacking > 0
) AS lack
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(o.reason ORDER BY o.raised_at, o.id) FILTER (WHERE o.subject_id = e.subject_id), '{}') AS reasons,
           coalesce(array_agg(o.detail ORDER BY o.raised_at, o.id) FILTER (WHERE o.subject_id = e.subject_id), '{}') AS details,
           count(DISTINCT o.subject_id) FILTER (WHERE o.subject_id <> e.subject_id) AS others,
           coalesce(bool_and(o.subject_kind = 'incident'), true) AS incidents
    FROM messages w JOIN escalations o ON o.id = w.escalation_id
    WHERE w.carried_by = m.id AND o.status = 'raised'
) AS told
WHERE m.id = ANY ($1::uuid[]);
