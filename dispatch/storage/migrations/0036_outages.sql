-- Organisations and channels for which nothing is sent: a row is written where a send fails or an offer ends unsent, and
-- deleted by the next message that is sent. `every` stands for all channels. Empty while all is well.
CREATE TABLE outages (
    organisation uuid NOT NULL REFERENCES organisations,
    channel      text NOT NULL,
    since        timestamptz NOT NULL,
    reason       text NOT NULL,
    -- Whose message failed first; one number alone is no outage. Null where no message came as far as a gateway.
    recipient_id uuid,
    confirmed    boolean NOT NULL,
    -- When one offer may be made next to find out whether the outage has ended.
    probe_at     timestamptz NOT NULL,
    PRIMARY KEY (organisation, channel)
);
