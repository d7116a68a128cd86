-- What operators ask at the command line.

-- name: list_organisations
-- Every organisation, with how many are on its roster.
SELECT o.id, o.name, o.zone, o.south, o.west, o.north, o.east, o.paused_at,
       (SELECT count(*) FROM memberships m WHERE m.organisation = o.id AND m.left_at IS NULL) AS volunteers,
       (SELECT count(*) FROM duty_contacts d WHERE d.organisation = o.id) AS duty
FROM organisations o ORDER BY o.name;

-- name: due_next
-- The next entry on the agenda of each running incident of an organisation.
SELECT DISTINCT ON (a.subject) a.subject, a.kind, a.due_at
FROM agenda a
WHERE a.organisation = $1 AND a.subject_kind = 'incident'
ORDER BY a.subject, a.due_at;

-- name: backlog
-- How long what waits has waited: publications, the agenda, and what nobody has looked at.
SELECT (SELECT count(*) FROM outbox) AS unpublished,
       (SELECT min(j.recorded_at) FROM journal j
        WHERE j.id = (SELECT o.position FROM outbox o ORDER BY o.id LIMIT 1)) AS unpublished_since,
       (SELECT count(*) FROM agenda WHERE due_at <= $1) AS overdue,
       (SELECT min(due_at) FROM agenda WHERE due_at <= $1) AS overdue_since,
       (SELECT count(*) FROM parking WHERE settled_at IS NULL) AS parked;

-- name: server_version
-- The version of the database server.
SHOW server_version;
