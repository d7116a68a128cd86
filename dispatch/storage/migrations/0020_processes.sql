-- The running processes. Each inserts its row at start, updates seen_at every few seconds, and deletes the row at a
-- clean stop; the row of a process that was killed stays, with the time at which it was last seen.
-- All times are on the database's clock. Host and pid are for people: two hosts may have the same pid.
CREATE TABLE processes (
    id         uuid PRIMARY KEY,
    host       text NOT NULL,
    pid        int NOT NULL,
    roles      text[] NOT NULL,
    version    text NOT NULL,
    generation int NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    -- The partitions that wait for a newer version, in words.
    waiting    text[] NOT NULL DEFAULT '{}'
);
CREATE INDEX processes_expiry ON processes (seen_at);
