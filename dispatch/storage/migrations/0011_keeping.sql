-- What is erased after its time is found by that time; entries come when a row is over, not while it is worked on.

CREATE INDEX inbound_texts_expiry ON inbound_texts (received_at);
CREATE INDEX parking_expiry ON parking (settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX rounds_expiry ON rounds (at);
CREATE INDEX messages_expiry ON messages (created_at) WHERE status IN ('sent', 'delivered', 'failed', 'skipped');
CREATE INDEX replies_expiry ON replies (received_at) WHERE processed_at IS NOT NULL;
CREATE INDEX tokens_expiry ON tokens (created_at);
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (created_at);
CREATE INDEX api_keys_expiry ON api_keys (revoked_at) WHERE revoked_at IS NOT NULL;

-- When what was last looked through, and how much was erased then and ever.
CREATE TABLE retention_runs (
    name   text PRIMARY KEY,
    ran_at timestamptz NOT NULL,
    erased bigint NOT NULL,
    total  bigint NOT NULL
);

-- Drills of the backup: until when the database was brought back, how long that took, and whether all was there.
CREATE TABLE drills (
    until   timestamptz PRIMARY KEY,
    seconds real,
    proven  boolean NOT NULL DEFAULT false
);

-- A cluster knows what it was brought only as long as the database is the one that brought it: a restore forgets what
-- its readers read since, and has to bring it again.
ALTER TABLE clusters ADD COLUMN home text NOT NULL DEFAULT '';
UPDATE clusters SET home = coalesce((SELECT home FROM epochs ORDER BY number DESC LIMIT 1), stream_home());

-- What was written after this and before the epoch began may be forgotten here and still be on a topic.
ALTER TABLE epochs ADD COLUMN known_until timestamptz;
