-- name: create_database
-- Creates the database on an embedded server.
CREATE DATABASE renfort;

-- name: create_migrations
-- Creates the table of applied migrations if it is missing.
CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, sha256 text NOT NULL);

-- name: lock_migrations
-- Waits until no other session migrates this database; held until unlocked or disconnected.
SELECT pg_advisory_lock(hashtext('renfort.migrations'));

-- name: unlock_migrations
-- Releases the lock for the next session.
SELECT pg_advisory_unlock(hashtext('renfort.migrations'));

-- name: applied_migrations
-- Returns every applied migration with its checksum.
SELECT name, sha256 FROM migrations ORDER BY name;

-- name: record_migration
-- Records that a migration was applied, with the checksum of its text.
INSERT INTO migrations (name, sha256) VALUES ($1, $2);

-- name: limit_lock_wait
-- Lets this transaction wait for a lock for two seconds at most.
SET LOCAL lock_timeout = '2s';
