-- name: gauge_values
-- Returns the value of each gauge at $1: gauge, label, value.
WITH oldest AS (
    SELECT (SELECT j.recorded_at FROM journal j
            WHERE j.id = (SELECT o.position FROM outbox o ORDER BY o.id LIMIT 1)) AS unpublished,
           (SELECT min(due_at) FROM agenda WHERE due_at <= $1) AS due
)
SELECT 'outbox_events' AS gauge, '' AS label, count(*)::float8 AS value FROM outbox
UNION ALL
SELECT 'outbox_oldest_seconds', '', COALESCE(GREATEST(extract(epoch FROM $1 - unpublished), 0), 0)::float8 FROM oldest
UNION ALL
SELECT 'reports_waiting', '', count(*)::float8 FROM reports WHERE incident_id IS NULL
UNION ALL
SELECT 'agenda_overdue', '', count(*)::float8 FROM agenda WHERE due_at <= $1
UNION ALL
SELECT 'agenda_lateness_seconds', '', COALESCE(extract(epoch FROM $1 - due), 0)::float8 FROM oldest
UNION ALL
SELECT 'parking_open', '', count(*)::float8 FROM parking WHERE settled_at IS NULL
UNION ALL
SELECT 'escalations_open', known.level::text, count(e.id)::float8
FROM generate_series(1, 5) AS known (level)
LEFT JOIN escalations e ON e.level = known.level AND e.status IN ('raised', 'acknowledged')
GROUP BY known.level
UNION ALL
SELECT 'incidents_running', known.lane, count(i.id)::float8
FROM unnest(ARRAY['urgent', 'planned', 'drill']) AS known (lane)
LEFT JOIN incidents i ON i.lane = known.lane AND i.ended_at IS NULL
GROUP BY known.lane
UNION ALL
SELECT 'messages_waiting', known.status, count(m.id)::float8
FROM unnest(ARRAY['queued', 'leased']) AS known (status)
LEFT JOIN messages m ON m.status = known.status AND m.status IN ('queued', 'leased')
GROUP BY known.status;
