-- name: lowest_generation
-- Returns the lowest generation that a process of Renfort with a session reads; null where there is no session.
SELECT min(coalesce(substring(application_name FROM '^renfort: g([0-9]{1,6}) ')::int, 1)) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'renfort: %';
