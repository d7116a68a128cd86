-- name: gravest_incidents
-- Returns $3 incidents of an organisation in some modes ($2) that run or have an open escalation: those first that need a
-- human first, each with its attention (0: a recall or danger that nobody has seen, 1: a page that nobody has seen, 2: lacks
-- people or is held, 3: something to read, 4: nothing), and how many there are of each in all.
-- MATERIALIZED: the open escalations are few, and found by their own index; those of an organisation are many.
WITH open_escalations AS MATERIALIZED (
    SELECT subject_id,
           bool_or(reason IN ('danger', 'hazard', 'recall_unacknowledged')) FILTER (WHERE status = 'raised') AS safety,
           bool_or(page) FILTER (WHERE status = 'raised') AS page,
           max(level) FILTER (WHERE status = 'raised') AS level
    FROM escalations WHERE status IN ('raised', 'acknowledged') GROUP BY subject_id
), watched AS (
    SELECT i.id FROM incidents i WHERE i.organisation = $1 AND i.ended_at IS NULL
    UNION
    SELECT e.subject_id FROM open_escalations e
), judged AS (
    SELECT i.id, i.opened_at, i.status, e.level,
           array_position(ARRAY['life_threatening', 'urgent', 'routine'], i.severity) AS severity,
           CASE WHEN e.safety THEN 0
                WHEN e.page THEN 1
                WHEN i.status = 'held' OR i.status = 'open' AND i.covered_at IS NULL THEN 2
                WHEN e.level IS NOT NULL THEN 3
                ELSE 4 END AS attention
    FROM watched w
    CROSS JOIN LATERAL (SELECT * FROM incidents WHERE id = w.id OFFSET 0) AS i
    LEFT JOIN open_escalations e ON e.subject_id = i.id
    WHERE i.organisation = $1 AND i.mode = ANY ($2::text[])
)
SELECT id, attention, count(*) OVER () AS total,
       count(*) FILTER (WHERE attention < 2) OVER () AS waiting, count(*) FILTER (WHERE attention = 2) OVER () AS lacking
FROM judged ORDER BY attention, status <> 'held', severity, level DESC NULLS LAST, opened_at, id
LIMIT $3;

-- name: escalations_without_incident
-- Returns the open escalations of an organisation about reports and about the system: those first that nobody has seen.
WITH open_escalations AS MATERIALIZED (
    SELECT * FROM escalations WHERE status IN ('raised', 'acknowledged')
)
SELECT id, subject_kind, subject_id, reason, detail, level, page, turn, status, raised_at, told_at, acknowledged_by,
       lapses_at
FROM open_escalations
WHERE organisation = $1 AND subject_kind <> 'incident'
ORDER BY status DESC, level DESC, told_at DESC, id;
