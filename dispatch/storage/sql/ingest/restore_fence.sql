-- name: current_epoch
-- Returns the epoch in force; no row if this database was restored, promoted or copied since.
SELECT number FROM (SELECT number, home FROM epochs ORDER BY number DESC LIMIT 1) AS latest
WHERE home = stream_home();

-- name: lock_epochs
-- Locks out other sessions that would begin an epoch, and removes the time limit: a long journal takes long.
SELECT set_config('statement_timeout', '0', true), pg_advisory_xact_lock(7303, 0);

-- name: renumber_journal
-- Renumbers events whose transaction ids this server has not reached yet: below the next horizon, in their order.
UPDATE journal SET xid = pg_current_xact_id() WHERE xid >= pg_snapshot_xmin(pg_current_snapshot());

-- name: begin_epoch
-- Begins an epoch and returns its number.
INSERT INTO epochs (home, began_at, known_until)
VALUES (stream_home(), $1, (SELECT max(recorded_at) FROM journal)) RETURNING number;

-- name: lost_times
-- Returns the spans of time of which this database may have lost events, for epochs that began since $1.
-- Each span begins a minute early: transactions end in another order than they begin.
SELECT known_until - interval '1 minute' AS after, began_at AS before FROM epochs
WHERE began_at > $1 AND known_until IS NOT NULL;
