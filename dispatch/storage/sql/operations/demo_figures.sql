-- name: message_context
-- Returns the incident and offer of a message, for a simulated phone, which has only the message.
SELECT m.purpose, m.recipient_kind, m.recipient_id, m.incident_id, m.offer_id, m.escalation_id, o.distance_m, i.engagement,
       s.id AS member_id
FROM messages m
LEFT JOIN offers o ON o.id = m.offer_id
LEFT JOIN incidents i ON i.id = m.incident_id
LEFT JOIN memberships s ON s.volunteer_id = m.recipient_id AND s.organisation = m.organisation
WHERE m.id = $1;

-- name: display_counts
-- Returns the counts of the live display.
SELECT
    (SELECT count(*) FROM reports) AS reports,
    (SELECT count(*) FROM incidents) AS incidents,
    (SELECT count(*) FROM incidents WHERE ended_at IS NULL) AS running,
    (SELECT count(*) FROM incidents WHERE covered_at IS NOT NULL) AS covered,
    (SELECT count(*) FROM incidents WHERE taken_by IS NOT NULL) AS taken_over,
    (SELECT count(*) FROM offers) AS offers,
    (SELECT count(DISTINCT offer_id) FROM messages WHERE purpose = 'offer' AND status IN ('sent', 'delivered')) AS reached,
    (SELECT count(*) FROM offers WHERE status = 'extended') AS live,
    (SELECT count(*) FROM offers WHERE status = 'accepted') AS accepted,
    (SELECT count(*) FROM offers WHERE status = 'declined') AS declined,
    (SELECT count(*) FROM offers WHERE status = 'expired') AS expired,
    (SELECT count(*) FROM offers WHERE status = 'withdrawn') AS withdrawn,
    (SELECT count(*) FROM offers WHERE late IS NOT NULL) AS late,
    (SELECT count(*) FROM assignments) AS assignments,
    (SELECT count(*) FROM escalations WHERE status IN ('raised', 'acknowledged')) AS escalations;

-- name: unfinished_work
-- Counts the reports, incidents, replies, messages and publications that are not completed yet.
SELECT
    (SELECT count(*) FROM reports WHERE incident_id IS NULL) AS reports,
    (SELECT count(*) FROM incidents WHERE ended_at IS NULL) AS incidents,
    (SELECT count(*) FROM replies WHERE processed_at IS NULL) AS replies,
    (SELECT count(*) FROM messages WHERE status IN ('queued', 'leased')) AS messages,
    (SELECT count(*) FROM outbox) AS outbox;

-- name: incident_ends
-- Returns, per incident, the seats that it needed, the seats whose people arrived (of a notice: have seen it), those in
-- reserve included, whether a human took it over, and whether every needed seat had been filled before.
SELECT
    i.id,
    (SELECT count(*) FROM seats s WHERE s.incident_id = i.id AND NOT s.reserve)::int AS needed,
    (SELECT count(DISTINCT a.seat) FROM assignments a
     WHERE a.incident_id = i.id AND (a.on_scene_at IS NOT NULL OR i.engagement = 'notice'))::int AS arrived,
    moments.taken_over IS NOT NULL AS taken_over,
    coalesce(moments.covered < moments.taken_over, false) AS filled_before
FROM incidents i
CROSS JOIN LATERAL (
    SELECT min(j.id) FILTER (WHERE j.type LIKE 'incident.taken\_over.%') AS taken_over,
           min(j.id) FILTER (WHERE j.type LIKE 'incident.covered.%') AS covered
    FROM journal j WHERE j.stream = i.id
) AS moments
ORDER BY i.id;

-- name: people_alerted
-- Returns how many offers there were, how many reached a phone, and how many of those were answered with yes, late or not.
SELECT count(*)::int AS offers,
       count(*) FILTER (WHERE reached)::int AS reached,
       count(*) FILTER (WHERE reached AND (status = 'accepted' OR late IS NOT NULL))::int AS yes
FROM (
    SELECT o.status, o.late, EXISTS (
        SELECT FROM messages m
        WHERE m.offer_id = o.id AND m.purpose = 'offer' AND m.status IN ('sent', 'delivered')) AS reached
    FROM offers o
) AS asked;

-- name: delays_from_first_text
-- Returns, per incident whose offers reached a phone, the seconds from the first text to the first yes that was seated and
-- to the first arrival.
SELECT extract(epoch FROM min(a.assigned_at) - text.sent_at)::float8 AS accepted_s,
       extract(epoch FROM min(a.on_scene_at) - text.sent_at)::float8 AS arrived_s
FROM (
    SELECT incident_id, min(sent_at) AS sent_at FROM messages
    WHERE purpose = 'offer' AND status IN ('sent', 'delivered') GROUP BY incident_id
) AS text
JOIN assignments a ON a.incident_id = text.incident_id
GROUP BY text.incident_id, text.sent_at;

-- name: messages_sent
-- Returns the messages that left, by purpose, the most frequent first.
SELECT purpose, count(*)::int AS n FROM messages
WHERE status IN ('sent', 'delivered') GROUP BY purpose ORDER BY n DESC, purpose;

-- name: lost_reports
-- Returns accepted reports without exactly one incident of their own.
SELECT r.id FROM reports r
WHERE (SELECT count(*) FROM incidents i WHERE i.report_id = r.id) <> 1;

-- name: doubly_filled_seats
-- Returns seats that two people held at one time, by the order of the journal.
-- Whoever says when they arrive may hold another seat from then on.
WITH moves AS (
    SELECT j.stream AS incident_id, b.body ->> 'assignment_id' AS name, (b.body ->> 'seat')::int AS seat,
           j.id AS since, lead(j.id) OVER (PARTITION BY j.stream, b.body ->> 'assignment_id' ORDER BY j.id) AS until
    FROM journal j
    CROSS JOIN LATERAL (SELECT convert_from(j.body, 'UTF8')::jsonb AS body) AS b
    WHERE j.topic = 'dispatch.assignments' AND j.type IN (
        'assignment.assigned.v1', 'assignment.arrival_expected.v1', 'assignment.released.v1')
), stays AS (
    SELECT incident_id, name, seat, int8range(since, until) AS stay FROM moves WHERE seat IS NOT NULL
)
SELECT a.incident_id, a.seat FROM stays a JOIN stays b
    ON b.incident_id = a.incident_id AND b.seat = a.seat AND b.name > a.name AND b.stay && a.stay;

-- name: doubly_asked_volunteers
-- Returns volunteers who held two live offers in one lane at one time, by the order of the journal.
-- Times would not prove it: two transactions may each have read the clock before they waited for the other.
WITH asked AS (
    SELECT i.lane, b.body ->> 'volunteer_id' AS volunteer_id, b.body ->> 'offer_id' AS name,
           int8range(min(j.id) FILTER (WHERE j.type LIKE 'offer.extended.%'),
                     min(j.id) FILTER (WHERE j.type NOT LIKE 'offer.extended.%')) AS stood
    FROM journal j
    JOIN incidents i ON i.id = j.stream
    CROSS JOIN LATERAL (SELECT convert_from(j.body, 'UTF8')::jsonb AS body) AS b
    WHERE j.topic = 'dispatch.offers'
    GROUP BY 1, 2, 3
)
SELECT a.volunteer_id, a.lane FROM asked a JOIN asked b
    ON b.volunteer_id = a.volunteer_id AND b.lane = a.lane AND b.name > a.name AND b.stood && a.stood;

-- name: report_ids
-- Returns the id of every stored report.
SELECT id FROM reports;

-- name: told_by_page
-- Returns the incidents and escalations of which the text of a page told, those that it only counted among them.
SELECT incident_id, escalation_id FROM messages WHERE id = $1 OR carried_by = $1;
