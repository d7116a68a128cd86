-- name: record_heartbeat
-- Records that a process is running, and the time.
INSERT INTO processes (id, host, pid, roles, version, generation, started_at, seen_at, waiting)
VALUES (:id, :host, :pid, :roles::text[], :version, :generation, :started_at, :seen_at, :waiting::text[])
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, waiting = excluded.waiting;

-- name: delete_process
-- Deletes the row of a process that is stopping.
DELETE FROM processes WHERE id = $1;

-- name: list_processes
-- Returns every process that did not stop cleanly, the earliest started first.
SELECT id, host, pid, roles, version, generation, started_at, seen_at, waiting FROM processes ORDER BY started_at, id;

-- name: other_processes
-- Returns whether a process other than $1 was seen after $2.
SELECT EXISTS (SELECT FROM processes WHERE id <> $1 AND seen_at > $2);
