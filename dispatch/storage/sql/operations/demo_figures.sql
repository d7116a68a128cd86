-- name: message_context
-- Returns the incident and offer of a message, for a simulated phone, which has only the message.
SELECT m.purpose, m.recipient_kind, m.recipient_id, m.incident_id, m.offer_id, m.escalation_id, o.distance_m, i.engagement
FROM messages m
LEFT JOIN offers o ON o.id = m.offer_id
LEFT JOIN incidents i ON i.id = m.incident_id
WHERE m.id = $1;

-- name: display_counts
-- Returns the counts of the live display.
SELECT
    (SELECT count(*) FROM reports) AS reports,
    (SELECT count(*) FROM incidents) AS incidents,
    (SELECT count(*) FROM incidents WHERE ended_at IS NULL) AS running,
    (SELECT count(*) FROM incidents WHERE covered_at IS NOT NULL) AS covered,
    (SELECT count(*) FROM offers) AS offers,
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

-- name: seats_summary
-- Returns needed and filled seats, and the incidents that needed volunteers by how they ended.
SELECT
    count(*) FILTER (WHERE NOT s.reserve) AS needed,
    count(*) FILTER (WHERE NOT s.reserve AND EXISTS (
        SELECT FROM assignments a WHERE a.incident_id = s.incident_id AND a.seat = s.number)) AS filled,
    count(*) FILTER (WHERE s.reserve AND EXISTS (
        SELECT FROM assignments a WHERE a.incident_id = s.incident_id AND a.seat = s.number)) AS reserves
FROM seats s;

-- name: first_acceptances
-- Returns, per incident with an acceptance, the seconds from the receipt of its report to the first one.
SELECT extract(epoch FROM min(a.assigned_at) - r.received_at)::float8 AS seconds
FROM assignments a
JOIN incidents i ON i.id = a.incident_id
JOIN reports r ON r.id = i.report_id
GROUP BY i.id, r.received_at
ORDER BY seconds;

-- name: machine_delays
-- Returns, per incident with an offer, the seconds from the receipt of its report to its first offer.
SELECT extract(epoch FROM min(o.extended_at) - r.received_at)::float8 AS seconds
FROM offers o
JOIN incidents i ON i.id = o.incident_id
JOIN reports r ON r.id = i.report_id
GROUP BY i.id, r.received_at
ORDER BY seconds;

-- name: escalations_by_level
-- Returns the escalations by level and how they ended.
SELECT level, status, count(*) AS n FROM escalations GROUP BY level, status ORDER BY level, status;

-- name: messages_by_purpose
-- Returns the messages by purpose and status.
SELECT purpose, status, count(*) AS n FROM messages GROUP BY purpose, status ORDER BY purpose, status;

-- name: incidents_by_end
-- Returns the incidents by plan, whether they were covered, and how they ended.
SELECT p.name AS plan, i.status, (i.covered_at IS NOT NULL) AS covered, (i.taken_by IS NOT NULL) AS taken,
       count(*) AS n
FROM incidents i JOIN plans p ON p.hash = i.plan_hash
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;

-- name: lost_reports
-- Returns accepted reports without exactly one incident of their own.
SELECT r.id FROM reports r
WHERE (SELECT count(*) FROM incidents i WHERE i.report_id = r.id) <> 1;

-- name: neglected_incidents
-- Returns incidents that were neither covered nor handed over, and have not ended.
SELECT i.id FROM incidents i
WHERE i.covered_at IS NULL AND i.taken_by IS NULL AND i.ended_at IS NULL;

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
           int8range(min(j.id) FILTER (WHERE j.type = 'offer.extended.v1'),
                     min(j.id) FILTER (WHERE j.type <> 'offer.extended.v1')) AS stood
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
