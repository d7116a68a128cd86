-- name: queue_ages
-- Counts what is unpublished, overdue at $1 and parked, with the time since which the oldest of each has waited.
SELECT (SELECT count(*) FROM outbox) AS unpublished,
       (SELECT min(j.recorded_at) FROM journal j
        WHERE j.id = (SELECT o.position FROM outbox o ORDER BY o.id LIMIT 1)) AS unpublished_since,
       (SELECT count(*) FROM agenda WHERE due_at <= $1) AS overdue,
       (SELECT min(due_at) FROM agenda WHERE due_at <= $1) AS overdue_since,
       (SELECT count(*) FROM parking WHERE settled_at IS NULL) AS parked,
       (SELECT min(parked_at) FROM parking WHERE settled_at IS NULL) AS parked_since;

-- name: server_settings
-- Returns the version of the database server, its connection limit, and the settings that durability depends on.
SELECT current_setting('server_version_num')::int AS version, current_setting('max_connections')::int AS max_connections,
       current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
       current_setting('synchronous_commit') AS synchronous_commit;

-- name: sessions
-- Returns the server's client sessions, whether each is on this database, and the start of its open transaction.
SELECT pid, COALESCE(application_name, '') AS application_name,
       COALESCE(datname = current_database(), false) AS here,
       CASE WHEN pid <> pg_backend_pid() THEN xact_start END AS xact_start
FROM pg_stat_activity WHERE backend_type = 'client backend';

-- name: bloated_queues
-- Returns the queue tables with more dead rows than $1 that also have more dead rows than live ones.
SELECT relname, n_dead_tup FROM pg_stat_user_tables
WHERE relname IN ('outbox', 'agenda', 'messages', 'inbox', 'offers') AND n_dead_tup > GREATEST($1, n_live_tup)
ORDER BY relname;
