-- The stream: whoever follows it names a place in the journal, which means nothing in a database that was restored.

CREATE TABLE epochs (
    number   int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Where the transactions of this epoch are numbered, as `stream_home` tells it.
    home     text NOT NULL,
    began_at timestamptz NOT NULL
);

-- The server, its timeline and the database: a restore, a promotion and a copy each change one of them.
CREATE FUNCTION stream_home() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT concat_ws('/', s.system_identifier, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), d.oid)
    FROM pg_control_system() s, pg_database d
    WHERE d.datname = current_database()
$$;
