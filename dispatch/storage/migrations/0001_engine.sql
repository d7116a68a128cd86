-- The engine room: journal, outbox, inbox, parking, agenda, and what the relay knows of brokers.

CREATE TABLE organisations (
    id          uuid PRIMARY KEY,
    name        text NOT NULL UNIQUE,
    zone        text NOT NULL DEFAULT 'Europe/Paris',
    -- The service area in degrees; all null = everywhere.
    south       double precision,
    west        double precision,
    north       double precision,
    east        double precision,
    paused_at   timestamptz,
    created_at  timestamptz NOT NULL
);

-- Every message that ever left, exact bytes, chained per stream. Holds references, never personal data.
CREATE TABLE journal (
    id           bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
    xid          xid8 NOT NULL DEFAULT pg_current_xact_id(),
    organisation uuid NOT NULL,
    mode         text NOT NULL,
    stream       uuid NOT NULL,
    seq          int NOT NULL,
    event_id     uuid NOT NULL,
    topic        text NOT NULL,
    type         text NOT NULL,
    bucket       smallint NOT NULL CHECK (bucket BETWEEN 0 AND 63),
    key          bytea NOT NULL,
    headers      bytea NOT NULL,
    body         bytea NOT NULL,
    prev_hash    bytea NOT NULL,
    hash         bytea NOT NULL,
    recorded_at  timestamptz NOT NULL,
    -- One event at each place of a stream: two writers that both thought themselves alone cannot both commit.
    UNIQUE (stream, seq)
);
-- The stream is read in commit order: by transaction, then by place in it.
CREATE INDEX journal_commit_order ON journal (xid, id);
CREATE INDEX journal_recovery ON journal (recorded_at, bucket);

-- What is written and not yet published; ids are in order per key because the keyed row is locked first.
CREATE TABLE outbox (
    id       bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
    bucket   smallint NOT NULL,
    position bigint NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);

-- What each consumer has already taken in.
CREATE TABLE inbox (
    consumer    text NOT NULL,
    event_id    uuid NOT NULL,
    received_at timestamptz NOT NULL,
    -- One effect per consumer and event: the fence against redelivery.
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX inbox_retention ON inbox (received_at);

-- What could not be understood, with its bytes.
CREATE TABLE parking (
    id            uuid PRIMARY KEY,
    organisation  uuid,
    source_topic  text NOT NULL,
    source        text NOT NULL,
    consumer      text NOT NULL,
    reason        text NOT NULL,
    key           bytea,
    headers       bytea NOT NULL,
    body          bytea,
    parked_at     timestamptz NOT NULL,
    settled_at    timestamptz
);
CREATE INDEX parking_open ON parking (parked_at) WHERE settled_at IS NULL;

-- Buckets that have been published to a broker since its birth; a broker that is not here has forgotten.
CREATE TABLE clusters (
    cluster_id   text NOT NULL,
    bucket       smallint NOT NULL,
    recovered_at timestamptz NOT NULL,
    PRIMARY KEY (cluster_id, bucket)
);

-- What is due when. One entry per subject and kind; it is a projection of the subject's state.
CREATE TABLE agenda (
    subject      uuid NOT NULL,
    kind         text NOT NULL,
    subject_kind text NOT NULL CHECK (subject_kind IN ('incident', 'report', 'system')),
    organisation uuid NOT NULL,
    severity     smallint NOT NULL,
    due_at       timestamptz NOT NULL,
    PRIMARY KEY (subject, kind)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);
CREATE INDEX agenda_due ON agenda (due_at);
CREATE INDEX agenda_due_by_severity ON agenda (severity, due_at);
