-- Answers in, messages out, and the tokens that link them.

CREATE TABLE replies (
    id           uuid PRIMARY KEY,
    organisation uuid NOT NULL REFERENCES organisations,
    mode         text NOT NULL,
    volunteer_id uuid NOT NULL,
    offer_id     uuid NOT NULL,
    incident_id  uuid NOT NULL,
    answer       text NOT NULL,
    channel      text NOT NULL,
    received_at  timestamptz NOT NULL,
    processed_at timestamptz
);
-- Expiry waits a little for answers that were received in time and not yet worked.
CREATE INDEX replies_unprocessed ON replies (offer_id) WHERE processed_at IS NULL;

-- Personal. Texts as received, each once per gateway and provider's id.
CREATE TABLE inbound_texts (
    id          uuid PRIMARY KEY,
    gateway     text NOT NULL,
    sender      text NOT NULL,
    text        text NOT NULL,
    outcome     text NOT NULL,
    reply_id    uuid,
    received_at timestamptz NOT NULL
);

CREATE TABLE messages (
    id             uuid PRIMARY KEY,
    organisation   uuid NOT NULL REFERENCES organisations,
    mode           text NOT NULL,
    recipient_kind text NOT NULL CHECK (recipient_kind IN ('volunteer', 'duty')),
    recipient_id   uuid NOT NULL,
    incident_id    uuid,
    offer_id       uuid,
    escalation_id  uuid,
    purpose        text NOT NULL,
    channel        text NOT NULL,
    recall         boolean NOT NULL DEFAULT false,
    severity       smallint NOT NULL,
    status         text NOT NULL CHECK (status IN ('queued', 'leased', 'sent', 'delivered', 'failed', 'skipped')),
    reason         text NOT NULL DEFAULT '',
    attempts       int NOT NULL DEFAULT 0,
    seq            int NOT NULL DEFAULT 0,
    due_at         timestamptz NOT NULL,
    leased_until   timestamptz,
    created_at     timestamptz NOT NULL,
    sent_at        timestamptz,
    delivered_at   timestamptz
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);
-- One message in flight per person and channel; recalls never wait.
CREATE UNIQUE INDEX messages_one_in_flight ON messages (recipient_id, channel)
    WHERE status = 'leased' AND NOT recall;
CREATE INDEX messages_to_send ON messages (severity, due_at) WHERE status IN ('queued', 'leased');
CREATE INDEX messages_by_incident ON messages (incident_id);

CREATE TABLE tokens (
    hash       bytea PRIMARY KEY,
    offer_id   uuid NOT NULL,
    generation int NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX tokens_by_offer ON tokens (offer_id);
